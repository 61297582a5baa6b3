import { createHash } from 'node:crypto';
import type { Labels } from '../../model/matcher.ts';

/** 16 hex digits that are the same for the same labels in whatever order, on every machine. */
export const fingerprintOf = (labels: Labels): string => {
  const pairs = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(pairs)).digest('hex').slice(0, 16);
};
