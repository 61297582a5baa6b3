import type { Random } from '../../src/lib/backoff.ts';

type Json =
  | string
  | number
  | boolean
  | null
  | Uint8Array
  | readonly Json[]
  | { readonly [key: string]: Json };
export type Message = { readonly [key: string]: Json };

/** Telemetry of a shop: realistic in shape and repetition, the same for the same seed. */
export interface SampleSize {
  readonly resources: number;
  readonly scopes: number;
  /** Per scope. */
  readonly items: number;
}

export const sampleTraces = (random: Random, size: SampleSize): Message => ({
  resourceSpans: times(size.resources, (resource) => ({
    resource: { attributes: resourceAttributes(random, resource) },
    schemaUrl: 'https://opentelemetry.io/schemas/1.27.0',
    scopeSpans: times(size.scopes, (scope) => ({
      scope: { name: `@shop/instrumentation-${scope}`, version: `0.${scope}.1` },
      spans: times(size.items, () => sampleSpan(random)),
    })),
  })),
});

export const sampleMetrics = (random: Random, size: SampleSize): Message => ({
  resourceMetrics: times(size.resources, (resource) => ({
    resource: { attributes: resourceAttributes(random, resource) },
    schemaUrl: 'https://opentelemetry.io/schemas/1.27.0',
    scopeMetrics: times(size.scopes, (scope) => ({
      scope: { name: `@shop/meter-${scope}`, version: '2.1.0' },
      metrics: times(size.items, (item) => sampleMetric(random, item)),
    })),
  })),
});

export const sampleLogs = (random: Random, size: SampleSize): Message => ({
  resourceLogs: times(size.resources, (resource) => ({
    resource: { attributes: resourceAttributes(random, resource) },
    scopeLogs: times(size.scopes, (scope) => ({
      scope: { name: `logger-${scope}` },
      logRecords: times(size.items, () => sampleLog(random)),
    })),
  })),
});

const startSeconds = 1_760_000_000;

const sampleSpan = (random: Random): Message => {
  const startNs = nanoseconds(random);
  const lastsNs = BigInt(Math.floor(random() ** 4 * 2e9));
  const method = pick(random, ['GET', 'POST', 'PUT']);
  const route = pick(random, routes);
  const failed = random() < 0.05;
  return {
    traceId: randomBytes(random, 16),
    spanId: randomBytes(random, 8),
    parentSpanId: random() < 0.8 ? randomBytes(random, 8) : new Uint8Array(0),
    traceState: random() < 0.1 ? `ot=th:${pick(random, ['8', 'c', 'fd70a4'])}` : '',
    flags: 0x101,
    name: `${method} ${route}`,
    kind: pick(random, [1, 2, 2, 3, 4, 5]),
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + lastsNs),
    attributes: [
      text('http.request.method', method),
      text('http.route', route),
      text('url.path', route.replace(':id', String(Math.floor(random() * 5000)))),
      int('http.response.status_code', failed ? 500 : 200),
      text('server.address', `shop-${Math.floor(random() * 5)}.internal`),
      int('server.port', 8443),
      text('user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0'),
      text('user.id', `user-${Math.floor(random() * 20_000)}`),
      { key: 'cache.hit', value: { boolValue: random() < 0.7 } },
      { key: 'cart.total', value: { doubleValue: Math.round(random() * 1e5) / 100 } },
      ...(random() < 0.1
        ? [
            {
              key: 'tags',
              value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } },
            },
          ]
        : []),
    ],
    events:
      random() < 0.1
        ? [
            {
              timeUnixNano: String(startNs + lastsNs),
              name: 'exception',
              attributes: [
                text('exception.type', 'TypeError'),
                text('exception.message', 'cannot read properties of undefined'),
                text('exception.stacktrace', 'TypeError: at pay (src/pay.ts:1:1)\n'.repeat(9)),
              ],
            },
          ]
        : [],
    links:
      random() < 0.02
        ? [
            {
              traceId: randomBytes(random, 16),
              spanId: randomBytes(random, 8),
              attributes: [int('batch.index', 3)],
            },
          ]
        : [],
    status: failed ? { code: 2, message: 'upstream failed' } : {},
  };
};

const sampleMetric = (random: Random, item: number): Message => {
  const point = (): Message => ({
    attributes: [
      text('http.route', pick(random, routes)),
      text('http.request.method', pick(random, ['GET', 'POST'])),
      int('http.response.status_code', pick(random, [200, 200, 404, 500])),
    ],
    startTimeUnixNano: `${startSeconds}000000000`,
    timeUnixNano: String(nanoseconds(random)),
  });
  const exemplar = (): Message => ({
    timeUnixNano: String(nanoseconds(random)),
    asDouble: random(),
    traceId: randomBytes(random, 16),
    spanId: randomBytes(random, 8),
    filteredAttributes: [text('user.id', `user-${Math.floor(random() * 100)}`)],
  });
  const name = `shop.metric.${item}`;
  const common = { name, description: `what ${name} counts`, unit: 'ms' };
  switch (item % 5) {
    case 0:
      return {
        ...common,
        gauge: { dataPoints: times(4, () => ({ ...point(), asDouble: random() * 100 })) },
      };
    case 1:
      return {
        ...common,
        sum: {
          aggregationTemporality: 2,
          isMonotonic: true,
          dataPoints: times(4, () => ({ ...point(), asInt: String(Math.floor(random() * 1e12)) })),
        },
      };
    case 2:
      return {
        ...common,
        histogram: {
          aggregationTemporality: 1,
          dataPoints: times(4, () => ({
            ...point(),
            count: '60',
            sum: random() * 1000,
            min: random(),
            max: 100 + random(),
            bucketCounts: times(15, () => String(Math.floor(random() * 50))),
            explicitBounds: [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500],
            exemplars: random() < 0.3 ? [exemplar()] : [],
          })),
        },
      };
    case 3:
      return {
        ...common,
        exponentialHistogram: {
          aggregationTemporality: 2,
          dataPoints: times(4, () => ({
            ...point(),
            count: '40',
            sum: random() * 1000,
            scale: -1 + Math.floor(random() * 5),
            zeroCount: '3',
            zeroThreshold: 1e-6,
            positive: {
              offset: -4,
              bucketCounts: times(20, () => String(Math.floor(random() * 300))),
            },
            negative: { offset: 2, bucketCounts: ['1', '0', '2'] },
          })),
        },
      };
    default:
      return {
        ...common,
        summary: {
          dataPoints: times(4, () => ({
            ...point(),
            count: '10',
            sum: random() * 100,
            quantileValues: [
              { quantile: 0.5, value: random() },
              { quantile: 0.99, value: 1 + random() },
            ],
          })),
        },
      };
  }
};

const sampleLog = (random: Random): Message => ({
  timeUnixNano: String(nanoseconds(random)),
  observedTimeUnixNano: String(nanoseconds(random)),
  severityNumber: pick(random, [5, 9, 9, 9, 13, 17]),
  severityText: pick(random, ['DEBUG', 'INFO', 'WARN', 'ERROR']),
  body: {
    stringValue: `order ${Math.floor(random() * 1e6)} was ${pick(random, ['paid', 'shipped', 'lost'])}`,
  },
  attributes: [
    text('http.route', pick(random, routes)),
    int('order.items', Math.floor(random() * 9)),
  ],
  traceId: random() < 0.5 ? randomBytes(random, 16) : new Uint8Array(0),
  spanId: random() < 0.5 ? randomBytes(random, 8) : new Uint8Array(0),
  flags: 1,
});

const routes = [
  '/',
  '/cart',
  '/cart/:id',
  '/orders/:id',
  '/pay',
  '/products',
  '/products/:id',
  '/login',
];

const resourceAttributes = (random: Random, index: number): readonly Message[] => [
  text('service.name', `shop-${index % 20}`),
  text('service.version', '1.4.2'),
  text('service.instance.id', `instance-${Math.floor(random() * 3)}`),
  text('deployment.environment.name', 'production'),
  text('host.name', `node-${index % 7}`),
  text('k8s.namespace.name', 'shop'),
  text('k8s.pod.name', `shop-${index}-5d9f7c`),
  text('telemetry.sdk.language', 'nodejs'),
  text('telemetry.sdk.name', 'opentelemetry'),
  text('telemetry.sdk.version', '2.12.1'),
  int('process.pid', 4000 + index),
  text('os.type', 'linux'),
];

const text = (key: string, value: string): Message => ({ key, value: { stringValue: value } });
const int = (key: string, value: number): Message => ({ key, value: { intValue: String(value) } });

const times = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const pick = <T>(random: Random, from: readonly [T, ...T[]] | readonly T[]): T => {
  const chosen = from[Math.floor(random() * from.length)];
  if (chosen === undefined) throw new Error('nothing to pick from');
  return chosen;
};

const nanoseconds = (random: Random): bigint =>
  BigInt(startSeconds + Math.floor(random() * 3600)) * 1_000_000_000n +
  BigInt(Math.floor(random() * 1e9));

const randomBytes = (random: Random, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
