import { mkdir, readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { lateBatchesMetric } from '../batch/batch-instruments.ts';
import { shareJournals } from '../batch/journal/shared.ts';
import { SeriesBook, shareSeries } from '../decode/series-book.ts';
import { onDisk } from '../lib/on-disk.ts';
import type { Secret } from '../lib/secret.ts';
import type { RedactRule } from '../model/redaction.ts';
import type { SampleRule } from '../model/sampling.ts';
import type { SeriesLimits, SharedSeries } from '../model/series.ts';
import type { WorkerSetup } from './messages.ts';
import { type IngestParts, openIngest } from './open.ts';
import type { IngestPath } from './path.ts';
import { startIngestPool } from './pool.ts';
import { watchLevel } from './watched-level.ts';

export interface IngestStartOptions extends IngestParts {
  /** 0: in this thread. Undefined: one thread for each core but one, and at least one. */
  readonly workers: number | undefined;
  readonly dataDir: string;
  /** Of this process, unique among all daemons of all times. */
  readonly instanceId: string;
  readonly clickhouse: {
    readonly url: string;
    readonly username: string;
    readonly password: Secret | undefined;
    readonly database: string;
    readonly cluster?: string | undefined;
  };
  readonly batch: WorkerSetup['batch'];
  /** `bytesMax` is for all workers together. */
  readonly journal: { readonly bytesMax: number; readonly fsync: WorkerSetup['journal']['fsync'] };
  /** Of one body without its coding. */
  readonly bodyBytesMax: number;
  /** Of all bodies that the doors hold; they refuse beyond it. */
  readonly heldBytesMax: number;
  readonly redact: readonly RedactRule<Secret>[];
  readonly sample: readonly SampleRule[];
  readonly seriesLimits: SeriesLimits;
}

/** Below the data directory; holds one directory for each worker's journal. */
export const journalsFolder = 'journal';

export interface StartedIngest extends IngestPath {
  /** Whether what was acknowledged waits long for ClickHouse; threads tell it once a second or so. */
  readonly isBehind: () => boolean;
}

/** Starts ingest on as many threads as it is given. */
export const startIngest = async (given: IngestStartOptions): Promise<StartedIngest> => {
  const { meter, level } = watchLevel(given.meter, lateBatchesMetric);
  const path = await startThreads({ ...given, meter });
  return { ...path, isBehind: () => level() > 0 };
};

const startThreads = async (options: IngestStartOptions): Promise<IngestPath> => {
  const { workers = Math.max(1, availableParallelism() - 1), clickhouse, batch, journal } = options;
  const { url, username, database, password, cluster } = clickhouse;
  const journals = join(options.dataDir, journalsFolder);
  const threads = Math.max(1, workers);
  const journalOf = (workerIndex: number) => join(journals, String(workerIndex));
  const abandoned = await abandonedJournals(journals, threads);
  const own = Array.from({ length: threads }, (_, workerIndex) => journalOf(workerIndex));
  const shared = await shareJournals(threads, [...own, ...abandoned]);
  const rules = { redact: options.redact.map(withPlainSalt), sample: options.sample };
  const series = shareSeries(options.seriesLimits);
  countSeries(series, options);
  const setup = (workerIndex: number, thread: number): WorkerSetup => ({
    workerIndex,
    journal: {
      dir: journalOf(workerIndex),
      abandoned: workerIndex === 0 ? abandoned : [],
      bytesMax: journal.bytesMax,
      fsync: journal.fsync,
      shared,
    },
    instanceId: `${options.instanceId}.${thread}`,
    clickhouse: { url, username, database, cluster, password: password?.reveal() },
    batch,
    bodyBytesMax: options.bodyBytesMax,
    rules,
    series,
    sharesTraces: workers > 1,
  });
  if (workers === 0) return openIngest(setup(0, 0), options);
  const limits = { workerBytesMax: options.heldBytesMax };
  return startIngestPool({ ...options, workers, setup, limits });
};

const countSeries = (series: SharedSeries, { meter, clock }: IngestParts): void => {
  const book = new SeriesBook(series);
  meter.gauge(
    'tocsin_decode_series',
    { description: 'Series of metrics seen in this hour or the one before', unit: '{series}' },
    () => {
      book.turnTo(clock.nowMs());
      return book.known();
    },
  );
};

/** A daemon that had more workers before left journals that none of ours would look at. */
const abandonedJournals = async (dir: string, workers: number): Promise<readonly string[]> => {
  await onDisk(dir, () => mkdir(dir, { recursive: true, mode: 0o700 }));
  const names = await readdir(dir);
  return names.filter((it) => /^\d+$/.test(it) && Number(it) >= workers).map((it) => join(dir, it));
};

/** A Secret keeps its value to itself, also from another thread. */
export const withPlainSalt = (rule: RedactRule<Secret>): RedactRule => {
  const { action } = rule;
  return {
    ...rule,
    action: action.kind === 'hash' ? { ...action, salt: action.salt.reveal() } : action,
  };
};
