import type { Random } from '../../lib/backoff.ts';
import type { DemoSpan } from './visit.ts';

type AttributeValue = string | number | boolean;

/** Counters since the shop opened, as a process would hold them. */
export interface ShopCounters {
  readonly startMs: number;
  readonly requests: Map<string, number>;
  readonly cacheHits: Map<string, number>;
  readonly cacheMisses: Map<string, number>;
}

/** Visits as one ExportTraceServiceRequest in OTLP's JSON encoding, a resource for each service. */
export const tracesRequest = (
  visits: readonly { readonly root: DemoSpan; readonly startMs: number }[],
  random: Random,
): string => {
  const spansOf = new Map<string, unknown[]>();
  const add = (span: DemoSpan, traceId: string, parentSpanId: string, originMs: number): void => {
    const spanId = hex(16, random);
    const startMs = originMs + span.startMs;
    const spans = spansOf.get(span.service) ?? [];
    spansOf.set(span.service, spans);
    spans.push({
      traceId,
      spanId,
      parentSpanId,
      name: span.name,
      kind: span.kind,
      startTimeUnixNano: nanos(startMs),
      endTimeUnixNano: nanos(startMs + span.durationMs),
      attributes: attributesOf(span.attributes),
      status: span.failed ? { code: 2, message: 'upstream failed' } : {},
    });
    for (const child of span.children) add(child, traceId, spanId, startMs);
  };
  for (const { root, startMs } of visits) add(root, hex(32, random), '', startMs);
  const resourceSpans = Array.from(spansOf, ([service, spans]) => ({
    resource: resourceOf(service),
    scopeSpans: [{ scope, spans }],
  }));
  return JSON.stringify({ resourceSpans });
};

/** The shop's counters as one ExportMetricsServiceRequest in OTLP's JSON encoding. */
export const metricsRequest = (counters: ShopCounters, nowMs: number): string => {
  const counter = (name: string, unit: string, points: Map<string, number>) =>
    Array.from(points, ([service, value]) => ({
      resource: resourceOf(service),
      scopeMetrics: [
        {
          scope,
          metrics: [
            {
              name,
              unit,
              sum: {
                aggregationTemporality: 2,
                isMonotonic: true,
                dataPoints: [
                  {
                    startTimeUnixNano: nanos(counters.startMs),
                    timeUnixNano: nanos(nowMs),
                    asInt: String(value),
                    attributes: attributesOf(cacheNames[service] ?? {}),
                  },
                ],
              },
            },
          ],
        },
      ],
    }));
  return JSON.stringify({
    resourceMetrics: [
      ...counter('shop.requests', '{request}', counters.requests),
      ...counter('shop.cache.hits', '{hit}', counters.cacheHits),
      ...counter('shop.cache.misses', '{miss}', counters.cacheMisses),
    ],
  });
};

const cacheNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  catalog: { 'cache.name': 'products' },
  cart: { 'cache.name': 'sessions' },
};

const scope = { name: 'tocsin-demo', version: '1' };

const resourceOf = (service: string) => ({
  attributes: attributesOf({
    'service.name': service,
    'service.namespace': 'demo-shop',
    'service.version': '1.4.2',
    'service.instance.id': `${service}-1`,
    'deployment.environment.name': 'demo',
  }),
});

const attributesOf = (attributes: Readonly<Record<string, AttributeValue>>) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

const anyValue = (value: AttributeValue) => {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
};

/** Milliseconds with a fraction to nanoseconds as OTLP's decimal string. */
const nanos = (ms: number): string => {
  const whole = Math.floor(ms);
  return (BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6))).toString();
};

const hex = (digits: number, random: Random): string =>
  Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
