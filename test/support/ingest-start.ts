import { startIngest } from '../../src/ingest/start.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createMetrics } from '../../src/lib/telemetry-metrics.ts';
import type { Server } from './ingest-pool.ts';

const mebibyte = 1024 * 1024;

export interface SmallIngest {
  readonly server: Server;
  readonly dataDir: string;
  readonly workers: number;
  readonly journalBytesMax?: number;
}

/** Ingest as a daemon starts it, and what it measures. */
export const startSmallIngest = async (options: SmallIngest) => {
  const { server, dataDir, workers, journalBytesMax = 1024 * mebibyte } = options;
  const metrics = createMetrics({});
  const path = await startIngest({
    workers,
    dataDir,
    instanceId: `test-${process.pid}-${Date.now()}`,
    clickhouse: { ...server, database: 'otel', password: new Secret(server.password) },
    batch: { rowsMax: 65_536, bytesMax: 32 * mebibyte, ageMsMax: 1_000 },
    journal: { bytesMax: journalBytesMax, fsync: 'off' },
    bodyBytesMax: 64 * mebibyte,
    heldBytesMax: 256 * mebibyte,
    redact: [],
    sample: [],
    seriesLimits: { perMetric: 1_000, perService: 10_000, total: 100_000 },
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    meter: metrics.meter,
  });
  return { ...path, metricsText: metrics.prometheusText };
};
