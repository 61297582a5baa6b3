export type QueryParameter = string | number | boolean | readonly string[] | readonly number[];

export interface QueryOptions {
  /** Values of `{name:Type}` placeholders. */
  readonly parameters?: Readonly<Record<string, QueryParameter>>;
  readonly settings?: Readonly<Record<string, string | number>>;
  /** The query is killed in ClickHouse when it takes longer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs one SELECT and returns its rows (64-bit integers as strings unless cast; NaN and Inf as null
 * in JSON, so SQL that may yield them says so). Rejects with a Fault: ERR_QUERY_REFUSED (`reject`:
 * the text is wrong or forbidden), ERR_QUERY_FAILED (`retry`: engine away, over limits, timeout).
 */
export type Query = <Row>(sql: string, options: QueryOptions) => Promise<readonly Row[]>;

/**
 * Inserts plain rows (JSONEachRow) once per token; for small tables such as `alert_events`.
 * `sentBefore` as in a NamedBlock.
 */
export type InsertRows = (
  table: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  token: string,
  sentBefore?: boolean,
) => Promise<void>;

/**
 * Runs one INSERT … SELECT inside ClickHouse, stored once per token. Rejects with a Fault:
 * ERR_INSERT_REFUSED (`reject`), ERR_INSERT_FAILED (`retry`).
 */
export type InsertSelect = (
  sql: string,
  options: QueryOptions & { readonly token: string },
) => Promise<void>;
