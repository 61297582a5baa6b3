import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { threadCpuUsage } from 'node:process';
import { gzipSync } from 'node:zlib';
import { startIngestPool } from '../../src/ingest/pool.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { payloadOf } from './payload.ts';

/*
 * The worker pool alone: no door, no sender, no ClickHouse. argv: workers, requests. Told how many
 * milliseconds, it works for as long and tells what it took; see pool-scaling.ts.
 */

export interface PoolRound {
  readonly items: number;
  readonly wallMicros: number;
  /** Of the whole process, and of its main thread. */
  readonly cpuMicros: number;
  readonly mainMicros: number;
}

/** So many that no worker ever waits for more, as when many senders are at the door. */
const outstandingPerWorker = 128;

/**
 * The same telemetry in bytes that nobody has seen before, or the journal would know it again: gzip
 * begins with a time, which says nothing about what is in it (RFC 1952, MTIME).
 */
const createRequests = (requests: number): (() => Uint8Array) => {
  const packed = payloadOf('traces', requests).bodies.map((it) => gzipSync(it));
  let made = 0;
  return () => {
    const body = new Uint8Array(packed[made % packed.length] ?? []);
    made += 1;
    new DataView(body.buffer).setUint32(4, made, true);
    return body;
  };
};

const serve = async (workers: number, requests: number): Promise<void> => {
  const dir = mkdtempSync(join(tmpdir(), 'tocsin-bench-'));
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const nextBody = createRequests(requests);
  const pool = await startIngestPool({
    workers,
    entry: new URL('pool-worker.ts', import.meta.url),
    setup: (workerIndex, thread) => ({
      workerIndex,
      journal: {
        dir: join(dir, String(workerIndex)),
        abandoned: [],
        bytesMax: 4 * 1024 * 1024 * 1024,
        fsync: 'always',
      },
      instanceId: `bench.${thread}`,
      clickhouse: { url: '', username: '', password: undefined, database: '' },
      batch: { rowsMax: 65_536, bytesMax: 32 * 1024 * 1024, ageMsMax: 1_000 },
      bodyBytesMax: 64 * 1024 * 1024,
      rules: { redact: [], sample: [] },
    }),
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    meter: noopMeter,
  });
  let items = 0;
  let untilMs = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const body = nextBody();
      const request = { signal: 'traces', encoding: 'protobuf', coding: 'gzip', body } as const;
      const { accepted } = await pool.ingest(request);
      items += accepted;
    }
  };
  const round = async (ms: number): Promise<PoolRound> => {
    items = 0;
    const [startMs, process0, main0] = [performance.now(), process.cpuUsage(), threadCpuUsage()];
    untilMs = startMs + ms;
    await Promise.all(Array.from({ length: workers * outstandingPerWorker }, lane));
    const wallMicros = (performance.now() - startMs) * 1_000;
    const [process1, main1] = [process.cpuUsage(process0), threadCpuUsage(main0)];
    return {
      items,
      wallMicros,
      cpuMicros: process1.user + process1.system,
      mainMicros: main1.user + main1.system,
    };
  };
  process.on('message', (ms: number) => void round(ms).then((it) => process.send?.(it)));
  process.once('disconnect', () => process.exit(0));
  process.send?.('ready');
};

if (process.send) {
  const [workers, requests] = process.argv.slice(2).map(Number);
  await serve(workers ?? 1, requests ?? 1);
}
