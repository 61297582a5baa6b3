export type MatchOperator = '=' | '!=' | '=~' | '!~';

/** Alertmanager's matcher. A missing label counts as empty; regular expressions are anchored. */
export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
}

export type Labels = Readonly<Record<string, string>>;
