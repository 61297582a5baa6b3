import { Fault } from '../../lib/fault.ts';
import type { Labels } from '../../model/matcher.ts';
import { rowsMax } from '../compile/grouped.ts';
import type { Instance, SignalRow, SignalValues } from './plan.ts';

export interface Answer {
  readonly rows: readonly SignalRow[];
  /** Undefined: whatever columns the rows have beside `value`. */
  readonly labelNames: readonly string[] | undefined;
  readonly absentValue: 0 | undefined;
}

/**
 * Joins the answers of a rule's signals. The signal with the most labels says which instances there
 * are (several with the same labels: all that any of them has); a signal with fewer labels applies
 * to every instance that has its labels. What a signal does not know is null, or 0 for a count.
 *
 * `known` are labels of alerts that live already: where a signal counts, such an instance is there
 * even without a row, because a count of nothing is 0. Labels that are empty are left out.
 *
 * Throws ERR_RULE_JOIN (`reject`) for labels of which none contains the other, too many rows, two
 * rows of one signal with the same labels, and values that are no number.
 */
export const joinSignals = (
  answers: Readonly<Record<string, Answer>>,
  known: readonly Labels[] = [],
): readonly Instance[] => {
  const tables = Object.entries(answers).map(([name, answer]) => tableOf(name, answer));
  const widest = tables.reduce<readonly string[]>(
    (names, it) => (it.labelNames.length > names.length ? it.labelNames : names),
    [],
  );
  const leading = tables.filter((it) => it.labelNames.length === widest.length);
  for (const table of tables) {
    if (table.rows.size > 0 && !table.labelNames.every((it) => widest.includes(it))) {
      throw unjoinable(
        `${table.name} has labels ${table.labelNames.join(', ')}, not all of ${widest.join(', ')}`,
      );
    }
  }
  const found = new Map<string, Labels>();
  for (const table of leading) {
    for (const { labels } of table.rows.values()) found.set(keyOf(labels, widest), labels);
  }
  // Without a row, hand-written SQL does not say which labels it has.
  const labelled = tables.every((it) => it.rows.size > 0 || it.declared);
  if (labelled && tables.some((it) => it.absentValue === 0)) {
    for (const labels of known) found.set(keyOf(labels, widest), pick(labels, widest));
  }
  return [...found.values()].map((labels) => ({ labels, values: valuesOf(tables, labels) }));
};

interface Table {
  readonly name: string;
  readonly labelNames: readonly string[];
  readonly declared: boolean;
  readonly absentValue: 0 | undefined;
  readonly rows: ReadonlyMap<string, { readonly labels: Labels; readonly value: number | null }>;
}

const tableOf = (name: string, answer: Answer): Table => {
  if (answer.rows.length > rowsMax) {
    throw unjoinable(
      `${name} answered more than ${rowsMax} rows: narrow it with where, or group by less`,
    );
  }
  const first = answer.rows[0] ?? {};
  const labelNames = answer.labelNames ?? Object.keys(first).filter((it) => it !== 'value');
  const rows = new Map<string, { labels: Labels; value: number | null }>();
  for (const row of answer.rows) {
    const labels = labelsOf(row, labelNames);
    const key = keyOf(labels, labelNames);
    if (rows.has(key)) throw unjoinable(`${name} answered two rows for ${key}`);
    rows.set(key, { labels, value: numberOf(row['value'], name) });
  }
  const declared = answer.labelNames !== undefined;
  return { name, labelNames, declared, absentValue: answer.absentValue, rows };
};

const labelsOf = (row: SignalRow, names: readonly string[]): Labels =>
  Object.fromEntries(
    names.map((name) => [name, textOf(row[name])] as const).filter(([, text]) => text !== ''),
  );

const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === null || value === undefined ? '' : JSON.stringify(value);
};

const numberOf = (value: unknown, name: string): number | null => {
  if (value === null) return null;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) {
    throw unjoinable(
      `${name} answered ${value === undefined ? 'no column value' : `value ${textOf(value)}`}; a number was expected`,
    );
  }
  return number;
};

const keyOf = (labels: Labels, names: readonly string[]): string =>
  JSON.stringify(names.toSorted().map((name) => [name, labels[name] ?? '']));

const pick = (labels: Labels, names: readonly string[]): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name)));

const valuesOf = (tables: readonly Table[], labels: Labels): SignalValues =>
  Object.fromEntries(
    tables.map(({ name, labelNames, rows, absentValue }) => {
      const row = rows.get(keyOf(labels, labelNames));
      return [name, row ? row.value : (absentValue ?? null)];
    }),
  );

const unjoinable = (message: string): Fault =>
  new Fault('ERR_RULE_JOIN', message, { remedy: 'reject' });
