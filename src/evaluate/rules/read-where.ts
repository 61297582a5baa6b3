import { compileQuantity } from '../compile/quantity.ts';
import type { WhereInput } from './schema.ts';
import type { CompareOperator, Filter, FilterTest } from './signal-plan.ts';

export interface WhereMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface WhereReading {
  readonly filters: readonly Filter[];
  readonly mistakes: readonly WhereMistake[];
}

/**
 * Reads `where`. A value is equality; with `*` or `?` a glob; `!x` anything but x (`!` alone: not
 * empty); `> 1 s` a comparison in base units; `=x` exactly x, whatever it contains; a list any of.
 */
export const readWhere = (where: WhereInput): WhereReading => {
  const filters: Filter[] = [];
  const mistakes: WhereMistake[] = [];
  for (const [attribute, wanted] of Object.entries(where)) {
    const test = Array.isArray(wanted) ? readList(wanted) : readOne(String(wanted));
    if (typeof test === 'string') mistakes.push({ path: [attribute], message: test });
    else filters.push({ attribute, test: test });
  }
  return { filters, mistakes };
};

const readList = (values: readonly (string | number | boolean)[]): FilterTest | string => {
  const tests = values.map((it) => readOne(String(it)));
  const message = tests.find((it) => typeof it === 'string');
  if (message !== undefined) return message;
  const read = tests.filter((it) => typeof it !== 'string');
  if (read.some((it) => it.kind === 'not' || it.kind === 'compare')) {
    return 'a list holds values and globs; for a negation or a comparison write it alone';
  }
  const texts = read.flatMap((it) => (it.kind === 'equals' ? [it.text] : []));
  if (texts.length === read.length) return { kind: 'one-of', texts };
  return { kind: 'any-of', tests: read };
};

const readOne = (text: string): FilterTest | string => {
  const [, operator, threshold = ''] = /^(>=|<=|>|<)\s*(.*)$/s.exec(text) ?? [];
  if (operator !== undefined) return readComparison(operator as CompareOperator, threshold);
  if (text.startsWith('!')) {
    const inner = readOne(text.slice(1));
    return typeof inner === 'string' ? inner : { kind: 'not', test: inner };
  }
  if (text.startsWith('=')) return { kind: 'equals', text: text.slice(1) };
  return /[*?]/.test(text) ? { kind: 'glob', pattern: text } : { kind: 'equals', text };
};

const readComparison = (operator: CompareOperator, threshold: string): FilterTest | string => {
  const quantity = compileQuantity(threshold);
  if (quantity.ok) return { kind: 'compare', operator, value: quantity.value };
  return `expected a number after ${operator}, such as "${operator} 1 s": ${quantity.message}`;
};
