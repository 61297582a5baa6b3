import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { WorkerSetup } from '../../src/ingest/messages.ts';
import { type IngestPoolOptions, startIngestPool } from '../../src/ingest/pool.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Log, LogFields } from '../../src/lib/log.ts';
import { createMetrics } from '../../src/lib/telemetry-metrics.ts';
import type { Signal } from '../../src/model/ingest.ts';
import { logsRequest, metricsRequest, tracesRequest } from './otlp-proto.ts';
import { sampleLogs, sampleMetrics, sampleTraces } from './otlp-samples.ts';
import { seededRandom } from './random.ts';

export interface Server {
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

/** For all pools of this process; gone with it. */
const journals = mkdtempSync(join(tmpdir(), 'tocsin-journals-'));
process.once('exit', () => rmSync(journals, { recursive: true, force: true }));

/** Nobody listens there. */
export const nowhere: Server = { url: 'http://127.0.0.1:9', username: 'nobody', password: '' };

export const setupFor = (server: Server, database = 'otel') => {
  // One for each pool: what a pool leaves behind, only its own successor may find.
  const dir = mkdtempSync(join(journals, `${database}-`));
  return (workerIndex: number, thread: number): WorkerSetup => ({
    workerIndex,
    journal: {
      dir: join(dir, String(workerIndex)),
      abandoned: [],
      bytesMax: 1024 * 1024 * 1024,
      fsync: 'off',
    },
    instanceId: `test-${basename(dir)}-${process.pid}.${thread}.${(threads += 1)}`,
    clickhouse: {
      url: server.url,
      username: server.username,
      password: server.password,
      database,
    },
    batch: { rowsMax: 65_536, bytesMax: 32 * 1024 * 1024, ageMsMax: 1_000 },
    bodyBytesMax: 64 * 1024 * 1024,
    rules: { redact: [], sample: [] },
  });
};

let threads = 0;

export interface LogLine {
  readonly event: string;
  readonly fields: LogFields;
}

const recordingLog = (lines: LogLine[], base: LogFields = {}): Log => {
  const write = (event: string, fields: LogFields = {}) => {
    lines.push({ event, fields: { ...base, ...fields } });
  };
  return {
    debug: write,
    info: write,
    warn: write,
    error: write,
    child: (fields) => recordingLog(lines, { ...base, ...fields }),
  };
};

/** Just enough of tap's `t` to end what a test started. */
interface Teardown {
  readonly teardown: (end: () => unknown) => void;
}

/** A pool with real threads and a real meter, drained with the test. */
export const openPool = async (
  t: Teardown,
  server: Server,
  options: Partial<IngestPoolOptions> = {},
) => {
  const lines: LogLine[] = [];
  const metrics = createMetrics({});
  const pool = await startIngestPool({
    workers: 1,
    setup: setupFor(server),
    clock: systemClock,
    random: Math.random,
    log: recordingLog(lines),
    meter: metrics.meter,
    ...options,
  });
  t.teardown(pool.drain);
  const linesOf = (event: string) => lines.filter((it) => it.event === event);
  return { ...pool, lines, linesOf, metricsText: metrics.prometheusText };
};

/** A request in a buffer of its own, as receive gives it, and the same again. */
export const sampleBody = (signal: Signal, seed: number, items = 20): (() => Uint8Array) => {
  const random = seededRandom(seed);
  const size = { resources: 2, scopes: 2, items };
  const encode = () => {
    switch (signal) {
      case 'traces':
        return tracesRequest.encode(tracesRequest.fromObject(sampleTraces(random, size)));
      case 'metrics':
        return metricsRequest.encode(metricsRequest.fromObject(sampleMetrics(random, size)));
      case 'logs':
        return logsRequest.encode(logsRequest.fromObject(sampleLogs(random, size)));
    }
  };
  const bytes = encode().finish();
  return () => new Uint8Array(bytes);
};

/** Hex, as they are stored. */
export const spanIdsOf = (body: Uint8Array): readonly string[] => {
  const { resourceSpans } = tracesRequest.decode(body) as unknown as Traces;
  return resourceSpans
    .flatMap((it) => it.scopeSpans)
    .flatMap((it) => it.spans)
    .map((it) => Buffer.from(it.spanId).toString('hex'));
};

interface Traces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly spans: readonly { readonly spanId: Uint8Array }[];
    }[];
  }[];
}
