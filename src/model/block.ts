import type { Acceptance, Encoding } from './ingest.ts';

export interface TableRows {
  /** Unqualified table name, such as `otel_traces`. */
  readonly table: string;
  readonly rows: number;
}

/** One block in ClickHouse Native format: the body of `INSERT INTO table FORMAT Native`. */
export interface Block extends TableRows {
  readonly bytes: number;
  /** Sent in order, nothing between them. Owned by the block: the builder never reuses them. */
  readonly segments: readonly Uint8Array[];
}

/** A block with the name under which it is stored once, however often it is sent. */
export interface NamedBlock extends Block {
  /** The `insert_deduplication_token`. */
  readonly name: string;
  /**
   * An earlier insert under the name may have reached ClickHouse, even half: what became of it is
   * unknown, so its rows are looked for before this one counts as stored.
   */
  readonly sentBefore?: boolean;
}

/** Columns that are being filled from OTLP requests of one signal. */
export interface ColumnBuilder {
  /**
   * Decodes one request into the columns. `full` when it does not fit beside what is held: cut and
   * append again. Throws a Fault (`reject`: ERR_OTLP_MALFORMED, ERR_OTLP_TOO_LARGE) for a request
   * that can never be taken; whatever happens, rows held before stay whole. `leftOut` is the
   * acceptance's from when the request was decoded before.
   */
  readonly append: (encoding: Encoding, body: Uint8Array, leftOut?: string) => Acceptance | 'full';
  /** Rows and bytes held over all tables. */
  readonly rows: () => number;
  readonly bytes: () => number;
  /** Takes out what is held, one block per table that has rows; the builder is empty afterwards. */
  readonly finish: () => readonly Block[];
  /** Forgets what is held, without the copy that `finish` makes; the builder is empty afterwards. */
  readonly discard: () => readonly TableRows[];
}

/** Resolves once the block is stored. Retries inside; rejects with a Fault when it gives up. */
export type InsertBlock = (block: NamedBlock) => Promise<void>;
