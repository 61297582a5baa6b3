import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { IngestPath } from './ingest.ts';
import type { WorkerSetup } from './ingest-messages.ts';
import { type IngestParts, openIngest } from './ingest-open.ts';
import { startIngestPool } from './ingest-pool.ts';
import type { Secret } from './lib/secret.ts';
import type { RedactRule } from './model/redaction.ts';
import type { SampleRule } from './model/sampling.ts';

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
  };
  readonly batch: WorkerSetup['batch'];
  readonly redact: readonly RedactRule<Secret>[];
  readonly sample: readonly SampleRule[];
}

/** Starts ingest on as many threads as it is given. */
export const startIngest = (options: IngestStartOptions): Promise<IngestPath> => {
  const { workers = Math.max(1, availableParallelism() - 1), clickhouse, batch } = options;
  const { url, username, database, password } = clickhouse;
  const rules = { redact: options.redact.map(withPlainSalt), sample: options.sample };
  const setup = (workerIndex: number, thread: number): WorkerSetup => ({
    workerIndex,
    journalDir: join(options.dataDir, 'journal', String(workerIndex)),
    instanceId: `${options.instanceId}.${thread}`,
    clickhouse: { url, username, database, password: password?.reveal() },
    batch,
    rules,
  });
  if (workers === 0) return openIngest(setup(0, 0), options);
  return startIngestPool({ ...options, workers, setup });
};

/** A Secret keeps its value to itself, also from another thread. */
const withPlainSalt = (rule: RedactRule<Secret>): RedactRule => {
  const { action } = rule;
  return {
    ...rule,
    action: action.kind === 'hash' ? { ...action, salt: action.salt.reveal() } : action,
  };
};
