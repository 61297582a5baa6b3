import { keyHash } from '../../src/lib/key-hash.ts';
import type { AccessKey } from '../../src/model/access.ts';

/** A key as the configuration knows it, and as its holder does. */
export const testKey = (
  name: string,
  options: Partial<AccessKey> = {},
): { readonly key: AccessKey; readonly text: string } => {
  const text = `tk_the-key-of-${name}-for-this-test`;
  const given = { scopes: ['ingest'] as const, limits: {}, attributes: {}, ...options };
  return { key: { name, hash: keyHash(text), ...given }, text };
};
