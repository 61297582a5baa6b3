import type { Filter, FilterTest } from '../rules/signal-plan.ts';
import { type AttributeTable, attributeSql } from './attribute.ts';
import type { Binder } from './binder.ts';

/** SQL conditions, one per filter. `duration` is in seconds where the table has one. */
export const filterSql = (
  filters: readonly Filter[],
  table: AttributeTable,
  binder: Binder,
  durationSql?: string,
): readonly string[] =>
  filters.map(({ attribute, test }) => {
    const timed = attribute === 'duration' && durationSql !== undefined;
    const text = timed ? `toString(${durationSql})` : attributeSql(table, attribute, binder);
    const number = timed ? durationSql : `toFloat64OrNull(${text})`;
    const folded = attribute === 'kind' || attribute === 'status' || attribute === 'severity';
    return testSql(folded ? lowered(test) : test, text, number, binder);
  });

const testSql = (test: FilterTest, text: string, number: string, binder: Binder): string => {
  switch (test.kind) {
    case 'equals':
      return `${text} = ${binder.text(test.text)}`;
    case 'one-of':
      return `${text} IN ${binder.texts(test.texts)}`;
    case 'glob':
      return `${text} LIKE ${binder.text(likeOf(test.pattern))}`;
    case 'any-of':
      return `(${test.tests.map((it) => testSql(it, text, number, binder)).join(' OR ')})`;
    case 'not':
      return `NOT ${testSql(test.test, text, number, binder)}`;
    case 'compare':
      // A value that is no number compares with nothing, whichever way it is asked.
      return `ifNull(${number} ${test.operator} ${binder.number(test.value)}, 0)`;
  }
};

/** `*` and `?` of a glob as LIKE writes them; whatever LIKE would read as special is escaped. */
const likeOf = (glob: string): string =>
  glob
    .replaceAll(/[\\%_]/g, (it) => `\\${it}`)
    .replaceAll('*', '%')
    .replaceAll('?', '_');

/** Columns that hold one of a few words are compared without regard to case. */
const lowered = (test: FilterTest): FilterTest => {
  switch (test.kind) {
    case 'equals':
      return { ...test, text: test.text.toLowerCase() };
    case 'one-of':
      return { ...test, texts: test.texts.map((it) => it.toLowerCase()) };
    case 'glob':
      return { ...test, pattern: test.pattern.toLowerCase() };
    case 'any-of':
      return { ...test, tests: test.tests.map(lowered) };
    case 'not':
      return { ...test, test: lowered(test.test) };
    case 'compare':
      return test;
  }
};
