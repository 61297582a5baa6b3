import { createColumnBuilder } from '../../src/decode/builder.ts';
import type { Random } from '../../src/lib/backoff.ts';
import type { Block } from '../../src/model/block.ts';
import { tracesRequest } from '../../test/support/otlp-proto.ts';
import { sampleTraces } from '../../test/support/otlp-samples.ts';
import { seededRandom } from '../../test/support/random.ts';

const services = 50;
const spansPerRequest = 512;
/** Requests of so many services tell of the same traces. */
const servicesPerTrace = 8;
const startSeconds = 1_760_000_000;

/** What a sample has that is set here. protobufjs takes messages as plain objects. */
interface SampleSpan {
  traceId: Uint8Array;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}
interface Sample {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: SampleSpan[] }[];
  }[];
}

/**
 * Blocks of spans as the daemon makes them: requests of 512 spans, one service each, of fifty; traces
 * of eight spans; 25,600 spans in each second. Always the same.
 */
export const spanBlocks = (blocks: number, rowsPerBlock: number): readonly Block[] => {
  const random = seededRandom(4);
  const builder = createColumnBuilder('traces');
  const requests = (blocks * rowsPerBlock) / spansPerRequest;
  const made: Block[] = [];
  let traces: readonly Uint8Array[] = [];
  for (let request = 0; request < requests; request += 1) {
    if (request % servicesPerTrace === 0) traces = traceIds(random);
    const body = requestBody(random, request, traces);
    if (builder.append('protobuf', body) === 'full') throw new Error('does not fit a block');
    if (builder.rows() >= rowsPerBlock) made.push(...builder.finish());
  }
  return [...made, ...(builder.rows() > 0 ? builder.finish() : [])];
};

const traceIds = (random: Random): readonly Uint8Array[] =>
  Array.from({ length: spansPerRequest }, () =>
    Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256)),
  );

const requestBody = (
  random: Random,
  request: number,
  traces: readonly Uint8Array[],
): Uint8Array => {
  const size = { resources: 1, scopes: 1, items: spansPerRequest };
  const sample = sampleTraces(random, size) as unknown as Sample;
  const second = startSeconds + Math.floor(request / services);
  for (const { resource, scopeSpans } of sample.resourceSpans) {
    for (const { key, value } of resource.attributes) {
      if (key === 'service.name') value.stringValue = `shop-${request % services}`;
    }
    for (const [index, span] of (scopeSpans[0]?.spans ?? []).entries()) {
      const lasts = BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano);
      const start = BigInt(second) * 1_000_000_000n + BigInt(Math.floor(random() * 1e9));
      span.traceId = traces[index] ?? span.traceId;
      span.startTimeUnixNano = String(start);
      span.endTimeUnixNano = String(start + lasts);
    }
  }
  return tracesRequest.encode(tracesRequest.fromObject(sample)).finish();
};
