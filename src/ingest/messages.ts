import type { SharedJournals } from '../batch/journal/shared.ts';
import type { PlainError } from '../lib/plain-error.ts';
import type { LogLine } from '../lib/thread-log.ts';
import type { MeterReport } from '../lib/thread-meter.ts';
import type { Acceptance, OtlpRequest } from '../model/ingest.ts';
import type { SharedSeries } from '../model/series.ts';
import type { IngestRules } from './builder.ts';

/** What a worker thread is started with. Plain data: it crosses threads by structured clone. */
export interface WorkerSetup {
  /** From 0. A replacement has the index of the worker it replaces, and with it its journal. */
  readonly workerIndex: number;
  readonly journal: {
    /** Where this worker, and no other process or thread, keeps what it acknowledged. */
    readonly dir: string;
    /** Journals of workers that are no more, to be emptied by this one. */
    readonly abandoned: readonly string[];
    /** Of all journals that share, or of each when they do not. */
    readonly bytesMax: number;
    readonly fsync: 'always' | 'interval' | 'off';
    /** Those of all workers in their order, and those that are abandoned. */
    readonly shared?: SharedJournals | undefined;
  };
  /** Of this thread, unique among all threads of all daemons of all times. */
  readonly instanceId: string;
  readonly clickhouse: {
    readonly url: string;
    readonly username: string;
    readonly password: string | undefined;
    readonly database: string;
    readonly cluster?: string | undefined;
  };
  readonly batch: {
    readonly rowsMax: number;
    readonly bytesMax: number;
    readonly ageMsMax: number;
  };
  /** Of one body without its coding. */
  readonly bodyBytesMax: number;
  readonly rules: IngestRules;
  /** What all threads know of the series of metrics; without it, they may be any number. */
  readonly series?: SharedSeries | undefined;
  /** Whether other threads get spans of the same traces. */
  readonly sharesTraces?: boolean;
}

export interface WorkerData {
  readonly setup: WorkerSetup;
  /** One shared Int32: the id of the request that is being decoded just now, 0 for none. */
  readonly decoding: Int32Array;
}

export type ToWorker =
  | { readonly kind: 'request'; readonly id: number; readonly request: OtlpRequest }
  /** What another thread learned of traces. */
  | { readonly kind: 'traces'; readonly told: Uint8Array }
  /** Another thread has forgotten everything: say it again. */
  | { readonly kind: 'retell' }
  /** To be answered with `shared`, behind everything that others should know. */
  | { readonly kind: 'share' }
  | { readonly kind: 'drain' };

export type FromWorker =
  | { readonly kind: 'ready'; readonly sharesTraces: boolean }
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  /** Another worker may have taken this request already: it is handed back, to be given to that one. */
  | {
      readonly kind: 'elsewhere';
      readonly id: number;
      readonly worker: number;
      readonly request: OtlpRequest;
    }
  | { readonly kind: 'log'; readonly line: LogLine }
  | { readonly kind: 'metrics'; readonly report: MeterReport }
  | { readonly kind: 'traces'; readonly told: Uint8Array }
  | { readonly kind: 'shared' }
  | { readonly kind: 'drained' };

/** What became of one request. */
export type Answer =
  | { readonly id: number; readonly acceptance: Acceptance }
  | { readonly id: number; readonly error: PlainError };
