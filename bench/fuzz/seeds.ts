import type { Encoding, Signal } from '../../src/model/ingest.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../../test/support/otlp-proto.ts';
import {
  type Message,
  sampleLogs,
  sampleMetrics,
  sampleTraces,
} from '../../test/support/otlp-samples.ts';
import { seededRandom } from '../../test/support/random.ts';
import { sdkMetrics, sdkTraces } from '../../test/support/sdk-payloads.ts';

/** A request as it is really sent. */
export interface SeedPayload {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly bytes: Uint8Array;
  readonly items: number;
}

const samples = {
  traces: { type: tracesRequest, sample: sampleTraces },
  metrics: { type: metricsRequest, sample: sampleMetrics },
  logs: { type: logsRequest, sample: sampleLogs },
} as const;

/** From the sample shop and from the JavaScript SDK, in both encodings. */
export const seedPayloads = async (seed: number): Promise<readonly SeedPayload[]> => {
  const random = seededRandom(seed);
  const made = (['traces', 'metrics', 'logs'] as const).flatMap((signal) =>
    [1, 2, 5].map((items): SeedPayload => {
      const { type, sample } = samples[signal];
      const message = sample(random, { resources: 1 + (items % 2), scopes: 1, items });
      const bytes = type.encode(type.fromObject(message)).finish();
      return { signal, encoding: 'protobuf', bytes, items: countItems(message) };
    }),
  );
  const metrics = await sdkMetrics();
  const traces = sdkTraces();
  const sdk = (
    [
      ['traces', traces],
      ['metrics', metrics],
    ] as const
  ).flatMap(([signal, { json, protobuf }]): readonly SeedPayload[] => {
    const items = countItems(JSON.parse(Buffer.from(json).toString()) as Message);
    return [
      { signal, encoding: 'json', bytes: json, items },
      { signal, encoding: 'protobuf', bytes: protobuf, items },
    ];
  });
  return [...made, ...sdk];
};

const itemLists = new Set(['spans', 'logRecords', 'dataPoints']);

const countItems = (value: unknown): number => {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, it) => sum + countItems(it), 0);
  return Object.entries(value).reduce(
    (sum, [key, it]) =>
      sum + (itemLists.has(key) && Array.isArray(it) ? it.length : countItems(it)),
    0,
  );
};
