import type { Grade } from '../../model/alert.ts';
import type { Remembered } from './remembered.ts';

/**
 * The place of a severity among those of its rule, `severities` being highest first. A severity that
 * an edited rule no longer names counts as the lowest. Undefined where the rule names none.
 */
export const gradeOf = (
  severities: readonly string[],
  severity: string | undefined,
  before: Remembered | undefined,
): Grade | undefined => {
  if (severity === undefined || severities.length === 0) return undefined;
  const index = severities.indexOf(severity);
  const rank = index < 0 ? 0 : severities.length - 1 - index;
  const firing = before?.step?.phase === 'firing' ? before : undefined;
  const changes = firing?.grade?.changes ?? 0;
  return { rank, changes: firing && firing.severity !== severity ? changes + 1 : changes };
};
