import type { ColumnBuilder } from './block.ts';
import type { Acceptance, Encoding } from './ingest.ts';

/** The traces of some requests that wait together. Opaque to who holds it. */
export interface NotedTraces {
  /** How many, or a few more. */
  readonly traces: number;
}

/** Why requests wait no longer: their time is up, there is no room to remember more, or the end. */
export type TailTrigger = 'waited' | 'early' | 'drain';

/** Decides about whole traces while their requests wait elsewhere, such as in a journal. */
export interface TailTraces {
  readonly open: () => NotedTraces;
  /**
   * Judges a request as a column builder does, with its Faults, and notes what it tells of its traces.
   * `again` for one that was answered before, by an earlier process: it is not counted.
   */
  readonly note: (
    to: NotedTraces,
    encoding: Encoding,
    body: Uint8Array,
    again?: 'again',
  ) => Acceptance;
  /** Whether so many other traces came since that what is known of these may soon be forgotten. */
  readonly isCrowded: (noted: NotedTraces) => boolean;
  /** Decides about those that are not yet decided. A sheet is bytes; sheets may be joined. */
  readonly decide: (noted: NotedTraces, trigger: TailTrigger) => Uint8Array;
  /** Takes over what an earlier process decided. */
  readonly restore: (sheets: Uint8Array) => void;
  /** For requests that were decided about. */
  readonly createBuilder: () => RecallBuilder;
}

/** Leaves spans out by what was decided about their traces. */
export interface RecallBuilder extends ColumnBuilder {
  /** The sheets for what is appended next; without any, each span is decided about by itself. */
  readonly recall: (sheets: Uint8Array | undefined) => void;
  /** Counts what was left out since the last call, or forgets it because it was counted before. */
  readonly settle: (how: 'count' | 'forget') => void;
}

/** What threads that share traces tell each other. Bytes are theirs alone. */
export interface TraceGossip {
  /** What was learned since the last call; undefined when it was nothing that matters to others. */
  readonly take: () => Uint8Array | undefined;
  /** All that matters to others. */
  readonly all: () => Uint8Array;
  readonly hear: (told: Uint8Array) => void;
}
