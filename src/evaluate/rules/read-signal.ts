import type { Path } from '../../lib/document.ts';
import { misspelled } from '../compile/attribute.ts';
import type { Report } from './assemble.ts';
import { readValue } from './read-value.ts';
import { readWhere } from './read-where.ts';
import type { AbsentInput, SignalInput } from './schema.ts';
import {
  type Filter,
  type FilterTest,
  type GroupKey,
  labelOf,
  type SignalPlan,
  type Source,
} from './signal-plan.ts';

const defaultOverMs = 300_000;

/** Reads one entry of `signals`; undefined after its mistakes have been reported. */
export const readSignal = (
  input: SignalInput,
  path: Path,
  report: Report,
): SignalPlan | undefined => {
  const window = {
    kind: 'rolling',
    overMs: input.over ?? defaultOverMs,
    offsetMs: input.offset,
  } as const;
  if (input.sql !== undefined) {
    const own: readonly (keyof SignalInput)[] = ['from', 'metric', 'value'];
    for (const key of own.filter((it) => input[it] !== undefined)) {
      report([...path, key], 'does not go with sql');
    }
    if (input.by.length > 0 || Object.keys(input.where).length > 0) {
      report(path, 'where and by do not go with sql: write them in the query');
    }
    return checkSql(input.sql, [...path, 'sql'], report)
      ? { kind: 'sql', sql: input.sql, window }
      : undefined;
  }
  const selection = readSelection(input, path, report);
  if (input.value === undefined) {
    report(path, 'needs value, such as rate() or p99(duration)');
    return undefined;
  }
  if (!selection) return undefined;
  const reading = readValue(input.value, selection.from.name);
  if (!reading.ok) {
    report([...path, 'value'], reading.message);
    return undefined;
  }
  return { kind: 'query', ...selection, value: reading.value, window };
};

/** Reads `absent` of a rule. */
export const readAbsence = (
  input: AbsentInput,
  path: Path,
  report: Report,
): SignalPlan | undefined => {
  const selection = readSelection(input, path, report);
  if (input.seen_within <= input.over) {
    report([...path, 'seen_within'], 'must be longer than over, or nothing is ever missed');
    return undefined;
  }
  return selection && { kind: 'absence', ...selection, seenWithinMs: input.seen_within };
};

interface Selection {
  readonly from: Source;
  readonly where: readonly Filter[];
  readonly by: readonly GroupKey[];
}

const readSelection = (
  input: Pick<SignalInput, 'from' | 'metric' | 'where' | 'by'>,
  path: Path,
  report: Report,
): Selection | undefined => {
  const from = readSource(input, path, report);
  const { filters, mistakes } = readWhere(input.where);
  for (const mistake of mistakes) report([...path, 'where', ...mistake.path], mistake.message);
  if (input.from === 'spans') checkWords(filters, path, report);
  const by = readGroupKeys(input.by, path, report);
  return from && by && mistakes.length === 0 ? { from, where: filters, by } : undefined;
};

const readSource = (
  input: Pick<SignalInput, 'from' | 'metric'>,
  path: Path,
  report: Report,
): Source | undefined => {
  if (input.from === undefined) {
    report(path, 'needs from: spans, metrics, logs or caches; or sql');
    return undefined;
  }
  if (input.from === 'metrics') {
    if (input.metric !== undefined) return { name: 'metrics', metric: input.metric };
    report(path, 'needs metric, the name of a metric');
    return undefined;
  }
  if (input.metric !== undefined) report([...path, 'metric'], `does not go with ${input.from}`);
  return { name: input.from };
};

/** `kind` and `status` of spans have few values: anything else is a slip. */
const checkWords = (filters: readonly Filter[], path: Path, report: Report): void => {
  for (const { attribute, test } of filters) {
    for (const word of wordsOf(test)) {
      const message = misspelled(attribute, word);
      if (message) report([...path, 'where', attribute], message);
    }
  }
};

const wordsOf = (test: FilterTest): readonly string[] => {
  switch (test.kind) {
    case 'equals':
      return [test.text];
    case 'one-of':
      return test.texts;
    case 'not':
      return wordsOf(test.test);
    case 'any-of':
      return test.tests.flatMap(wordsOf);
    case 'glob':
    case 'compare':
      return [];
  }
};

const reservedLabels: readonly string[] = ['value', 'alertname', 'severity'];

const readGroupKeys = (
  by: readonly string[],
  path: Path,
  report: Report,
): readonly GroupKey[] | undefined => {
  const keys = by.map((attribute) => ({ attribute, label: labelOf(attribute) }));
  const mistakes = keys.flatMap(({ attribute, label }, index): readonly [number, string][] => {
    if (reservedLabels.includes(label)) return [[index, `${label} cannot be a label of a signal`]];
    const twin = keys.findIndex((it) => it.label === label);
    if (twin === index) return [];
    return [[index, `${attribute} and ${keys[twin]?.attribute} would both be the label ${label}`]];
  });
  for (const [index, message] of mistakes) report([...path, 'by', index], message);
  return mistakes.length === 0 ? keys : undefined;
};

const checkSql = (sql: string, path: Path, report: Report): boolean => {
  if (!/^\s*(?:--[^\n]*\n\s*)*(?:SELECT|WITH)\b/i.test(sql)) {
    report(path, 'must be one SELECT');
    return false;
  }
  for (const name of ['from', 'to'].filter(
    (it) => !new RegExp(`\\{${it}:\\s*DateTime64`).test(sql),
  )) {
    const message = `does not use {${name}:DateTime64(9)}, so it reads more than its window`;
    report(path, message, 'warning');
  }
  return true;
};
