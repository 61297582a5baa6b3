import { nearest } from '../../lib/nearest.ts';
import type { Field, Source, ValueFunction } from './signal-plan.ts';

const withoutField = ['count', 'rate', 'increase', 'errors', 'error_rate', 'hit_rate'] as const;
const withField = ['sum', 'avg', 'min', 'max', 'last'] as const;
const allNames = [...withoutField, ...withField, 'uniq', 'p50', 'p90', 'p95', 'p99', 'p99.9'];

/** What each source can answer. */
const answers: Readonly<Record<Source['name'], readonly ValueFunction['kind'][]>> = {
  spans: ['count', 'rate', 'increase', 'errors', 'error_rate', 'hit_rate', 'uniq'].concat(
    withField,
    'percentile',
  ) as readonly ValueFunction['kind'][],
  metrics: ['count', 'rate', 'increase', 'uniq', ...withField, 'percentile'],
  logs: ['count', 'rate', 'increase', 'errors', 'error_rate', 'uniq'],
  caches: ['count', 'rate', 'increase', 'hit_rate', 'sum'],
};

export type ValueReading =
  | { readonly ok: true; readonly value: ValueFunction }
  | { readonly ok: false; readonly message: string };

/** Reads `p99(duration)` and its like, and whether `source` can answer it. */
export const readValue = (text: string, source: Source['name']): ValueReading => {
  const [, name = '', inner = ''] =
    /^\s*([a-z_]+|p\d+(?:\.\d+)?)\s*\(([^()]*)\)\s*$/.exec(text) ?? [];
  if (name === '') return wrong(`expected a function such as ${exampleFor(source)}`);
  const value = valueNamed(name, inner.trim(), source);
  if (typeof value === 'string') return wrong(value);
  if (answers[source].includes(value.kind)) return { ok: true, value };
  const possible = answers[source].map((it) => (it === 'percentile' ? 'p50 to p99.9' : it));
  return wrong(`${source} have no ${name}(); there are ${possible.join(', ')}`);
};

const wrong = (message: string): ValueReading => ({ ok: false, message });

const exampleFor = (source: Source['name']): string =>
  ({
    spans: 'p99(duration), rate() or error_rate()',
    metrics: 'p99(value), rate() or avg(value)',
    logs: 'count() or rate()',
    caches: 'hit_rate()',
  })[source];

const valueNamed = (
  name: string,
  inner: string,
  source: Source['name'],
): ValueFunction | string => {
  const plain = withoutField.find((it) => it === name);
  if (plain) return inner === '' ? { kind: plain } : `${plain}() takes nothing in its parentheses`;
  if (name === 'uniq') {
    return inner === '' ? 'uniq() needs an attribute' : { kind: 'uniq', attribute: inner };
  }
  const kind = withField.find((it) => it === name);
  const level = levelOf(name);
  if (!kind && level === undefined) {
    const close = nearest(name, allNames);
    return `unknown function ${name}()${close ? `; did you mean ${close}()?` : `; there are ${allNames.join(', ')}`}`;
  }
  const field = fieldNamed(inner, name, source);
  if (typeof field === 'string') return field;
  if (level !== undefined) return { kind: 'percentile', level, field };
  return kind ? { kind, field } : `unknown function ${name}()`;
};

/** `p99.9` is 0.999, without the last digits that a division by 100 would invent. */
const levelOf = (name: string): number | undefined => {
  const [, digits] = /^p(\d+(?:\.\d+)?)$/.exec(name) ?? [];
  if (digits === undefined) return undefined;
  const level = Number((Number(digits) / 100).toPrecision(10));
  return level > 0 && level < 1 ? level : undefined;
};

const fieldNamed = (inner: string, name: string, source: Source['name']): Field | string => {
  switch (source) {
    case 'spans':
      if (inner === 'duration') return { kind: 'duration' };
      if (inner === 'value') return 'spans have no value: use duration or a numeric attribute';
      if (inner === '') return `${name}() needs duration or a numeric attribute`;
      return { kind: 'attribute', name: inner };
    case 'metrics':
      if (inner === 'value' || inner === '') return { kind: 'value' };
      if (inner === 'duration') return 'metrics have no duration: use value';
      return `metrics are measured by value only: write ${name}(value)`;
    case 'caches':
      if (inner === 'hits' || inner === 'misses') return { kind: 'attribute', name: inner };
      return `caches know sum(hits) and sum(misses)`;
    case 'logs':
      return { kind: 'attribute', name: inner };
  }
};
