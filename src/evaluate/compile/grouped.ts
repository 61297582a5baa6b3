import type { GroupKey } from '../rules/signal-plan.ts';

/** Rows that one query may answer; a rule that finds more is told so. */
export const rowsMax = 10_000;

/** Inside a query labels are `l0`, `l1` …, so that no label can hide a column of the same name. */
export const groupAliases = (by: readonly GroupKey[]): readonly string[] =>
  by.map((_, index) => `l${index}`);

/** Wraps a query that yields `l0 …` and `v` into the shape that every signal answers. */
export const answerSql = (by: readonly GroupKey[], inner: string): string => {
  const labels = by.map(({ label }, index) => `l${index} AS \`${label}\`, `).join('');
  return `SELECT ${labels}toFloat64(v) AS value\nFROM (\n${inner}\n)\nLIMIT ${rowsMax + 1}`;
};

/** `GROUP BY l0, l1`, or nothing: then there is exactly one row, even over no data. */
export const groupBySql = (by: readonly GroupKey[], also: readonly string[] = []): string => {
  const keys = [...groupAliases(by), ...also];
  return keys.length === 0 ? '' : `\nGROUP BY ${keys.join(', ')}`;
};
