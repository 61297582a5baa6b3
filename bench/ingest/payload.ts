import type { Type } from 'protobufjs';
import type { Signal } from '../../src/model/ingest.ts';
import { jsonEachRow, logRows, metricRows, traceRows } from '../../test/support/naive-rows.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../../test/support/otlp-proto.ts';
import { sampleLogs, sampleMetrics, sampleTraces } from '../../test/support/otlp-samples.ts';
import { seededRandom } from '../../test/support/random.ts';

interface Payload {
  readonly noun: string;
  readonly type: Type;
  readonly bodies: readonly Uint8Array[];
  /** A decoded request as JSONEachRow: what everything is compared with. */
  readonly naive: (request: object) => string;
}

const kinds = {
  traces: {
    noun: 'span',
    type: tracesRequest,
    sample: sampleTraces,
    size: { resources: 1, scopes: 3, items: 171 },
    naive: (request: object) => jsonEachRow(traceRows(request)),
  },
  metrics: {
    noun: 'point',
    type: metricsRequest,
    sample: sampleMetrics,
    size: { resources: 1, scopes: 3, items: 40 },
    naive: (request: object) => Object.values(metricRows(request)).map(jsonEachRow).join(''),
  },
  logs: {
    noun: 'record',
    type: logsRequest,
    sample: sampleLogs,
    size: { resources: 1, scopes: 3, items: 171 },
    naive: (request: object) => jsonEachRow(logRows(request)),
  },
} as const;

/** Requests of about 500 items as one SDK sends them; always the same. */
export const payloadOf = (signal: Signal, count: number): Payload => {
  const { noun, type, sample, size, naive } = kinds[signal];
  const random = seededRandom(1);
  const encode = () => type.encode(type.fromObject(sample(random, size))).finish();
  return { noun, type, naive, bodies: Array.from({ length: count }, encode) };
};
