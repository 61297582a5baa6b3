import type { QueryParameter } from '../../model/query.ts';

/**
 * Gives every text and number of a rule a placeholder. This is the only way a rule's words get near
 * SQL, so no name, value or pattern can change what a query means.
 */
export interface Binder {
  /** Answers a placeholder such as `{p0:String}`. */
  readonly text: (text: string) => string;
  readonly texts: (texts: readonly string[]) => string;
  readonly number: (value: number) => string;
  readonly bound: () => Readonly<Record<string, QueryParameter>>;
}

export const createBinder = (): Binder => {
  const values: Record<string, QueryParameter> = {};
  const bind = (value: QueryParameter, type: string): string => {
    const known = Object.entries(values).find(([, it]) => it === value);
    const name = known?.[0] ?? `p${Object.keys(values).length}`;
    values[name] = value;
    return `{${name}:${type}}`;
  };
  return {
    text: (text) => bind(text, 'String'),
    texts: (texts) => bind(texts, 'Array(String)'),
    number: (value) => bind(value, 'Float64'),
    bound: () => ({ ...values }),
  };
};
