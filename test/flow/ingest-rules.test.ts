import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startIngest } from '../../src/ingest/start.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createMetrics } from '../../src/lib/telemetry-metrics.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { metricsRequest, tracesRequest } from '../support/otlp-proto.ts';

const nowNanos = `${Date.now()}000000`;
const timeoutMs = 10_000;

const span = (index: number, code: number) => ({
  traceId: new Uint8Array(16).fill(index),
  spanId: new Uint8Array(8).fill(1),
  startTimeUnixNano: nowNanos,
  status: { code },
  attributes: [{ key: 'user.email', value: { stringValue: 'ann@shop.example' } }],
});

const threeSeries = (): Uint8Array => {
  const dataPoints = ['a', 'b', 'c'].map((id) => ({
    timeUnixNano: nowNanos,
    attributes: [{ key: 'id', value: { stringValue: id } }],
  }));
  const metrics = [{ name: 'm', gauge: { dataPoints } }];
  return metricsRequest
    .encode(metricsRequest.fromObject({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }))
    .finish();
};

t.test(
  'rules and limits act in worker threads and in the main one alike, and are counted',
  async (t) => {
    const engine = await startClickHouse(t);
    const store = openStore(t, engine);
    // Seven plain spans whose ids lie below the upper half, three above it, and an error.
    const spans = [...[1, 2, 3, 4, 5, 6, 7, 128, 200, 255].map((it) => span(it, 0)), span(8, 2)];
    const message = { resourceSpans: [{ scopeSpans: [{ spans }] }] };
    for (const workers of [0, 1]) {
      const database = `otel_rules_${workers}`;
      await migrate(store, { ...migrateOptions, database });
      const dataDir = await mkdtemp(join(tmpdir(), 'tocsin-rules-'));
      t.teardown(() => rm(dataDir, { recursive: true, force: true }));
      const metrics = createMetrics({});
      const { ingest, drain } = await startIngest({
        clock: systemClock,
        random: Math.random,
        log: silentLog,
        meter: metrics.meter,
        workers,
        dataDir,
        instanceId: `rules-${workers}`,
        clickhouse: { ...engine, password: new Secret(engine.password), database },
        batch: { rowsMax: 65_536, bytesMax: 32 * 1024 * 1024, ageMsMax: 100 },
        journal: { bytesMax: 64 * 1024 * 1024, fsync: 'off' },
        bodyBytesMax: 64 * 1024 * 1024,
        heldBytesMax: 256 * 1024 * 1024,
        redact: [
          {
            name: 'emails',
            match: { kind: 'key', globs: ['user.*'] },
            in: ['span'],
            action: { kind: 'hash', salt: new Secret('sixteen characters') },
          },
        ],
        seriesLimits: { perMetric: 2, perService: 10, total: 10 },
        sample: [{ name: 'half', where: [], keep: 0.5, keepErrors: true }],
      });
      const body = tracesRequest.encode(tracesRequest.fromObject(message)).finish();
      const acceptance = await ingest({ signal: 'traces', encoding: 'protobuf', body });
      t.match(acceptance, { accepted: 11, rejected: 0 });
      const told = await ingest({ signal: 'metrics', encoding: 'protobuf', body: threeSeries() });
      const [rejection] = told.rejections ?? [];
      t.match(rejection, {
        code: 'ERR_POINT_SERIES',
        count: 1,
        sample: /limit=metric attribute="id"/,
      });
      await drain();
      const rows = await store.inspect(
        `SELECT StatusCode AS status, count() AS stored, sum(AdjustedCount) AS spans, any(SpanAttributes['user.email']) AS email FROM ${database}.otel_traces GROUP BY status ORDER BY status`,
        { timeoutMs },
      );
      t.strictSame(rows, [
        { status: 'Error', stored: '1', spans: 1, email: 'hash:ab4226837af965ec' },
        { status: 'Unset', stored: '3', spans: 6, email: 'hash:ab4226837af965ec' },
      ]);
      const page = await metrics.prometheusText();
      t.match(page, /^tocsin_decode_series(?:\{\})? 2\b/m);
      t.match(page, /^tocsin_decode_requests_walked_total\{walker="typescript"\} 1\b/m);
      t.match(page, /^tocsin_decode_spans_sampled_out_total\{rule="half"\} 7\b/m);
      t.match(
        page,
        /^tocsin_decode_values_redacted_total\{signal="traces",rule="emails",action="hash"\} 4\b/m,
      );
    }
  },
);
