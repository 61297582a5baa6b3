import t from 'tap';
import type { Signal } from '../../src/model/ingest.ts';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../support/otlp-proto.ts';
import type { Message } from '../support/otlp-samples.ts';

const types = { traces: tracesRequest, metrics: metricsRequest, logs: logsRequest };

const encode = (signal: Signal, message: Message): Uint8Array =>
  types[signal].encode(types[signal].fromObject(message)).finish();

const nowMs = 1_760_000_000_000;
const now = '1760000000000000000';
/** The first nanosecond that an Int64 cannot tell. */
const late = '9223372036854775808';

const take = (signal: Signal, message: Message) => {
  const builder = createColumnBuilder(signal, { nowMs: () => nowMs });
  const acceptance = builder.append('protobuf', encode(signal, message));
  if (acceptance === 'full') throw new Error('the request does not fit');
  return { acceptance, blocks: builder.finish() };
};

const traceId = new Uint8Array(16).fill(0xab);
const spanId = new Uint8Array(8).fill(0xcd);
const span = { traceId, spanId, name: 'GET /', startTimeUnixNano: now };
const shop = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] };

const spansOf = (spans: readonly Message[], resource: Message = shop): Message => ({
  resourceSpans: [{ resource, scopeSpans: [{ spans }] }],
});
const pointsOf = (...metrics: readonly Message[]): Message => ({
  resourceMetrics: [{ resource: shop, scopeMetrics: [{ metrics }] }],
});
const logsOf = (...logRecords: readonly Message[]): Message => ({
  resourceLogs: [{ resource: shop, scopeLogs: [{ logRecords }] }],
});

t.test('each reason is told with its count, its service and the first item of its kind', (t) => {
  const { acceptance } = take('traces', {
    resourceSpans: [
      {
        resource: shop,
        scopeSpans: [
          { spans: [span, { ...span, name: 'no id', traceId: new Uint8Array(16) }] },
          { spans: [{ ...span, name: 'short', traceId: new Uint8Array(3).fill(1) }, span] },
        ],
      },
      { scopeSpans: [{ spans: [{ ...span, spanId: new Uint8Array(0) }] }] },
    ],
  });
  t.match(acceptance, { accepted: 2, rejected: 3 });
  t.strictSame(acceptance.rejections, [
    {
      code: 'ERR_SPAN_TRACE_ID',
      reason: 'a trace id that is not 16 bytes (32 hex digits) or is all zero',
      serviceName: 'shop',
      count: 2,
      sample: `name="no id" trace_id=${'0'.repeat(32)} span_id=${'cd'.repeat(8)}`,
    },
    {
      code: 'ERR_SPAN_SPAN_ID',
      reason: 'a span id that is not 8 bytes (16 hex digits) or is all zero',
      serviceName: '',
      count: 1,
      sample: `name="GET /" trace_id=${'ab'.repeat(16)} span_id=`,
    },
  ]);
  t.end();
});

t.test('an item that shows to be bad late leaves no trace of itself', (t) => {
  const heavy = {
    ...span,
    attributes: [{ key: 'left behind', value: { stringValue: 'x' } }],
    events: [{ name: 'left behind' }],
    startTimeUnixNano: late,
  };
  const { acceptance, blocks } = take('traces', spansOf([span, heavy, heavy, span]));
  t.match(acceptance, {
    accepted: 2,
    rejected: 2,
    message: /^2 spans rejected: 2 with a time after the year 2262/,
    rejections: [{ code: 'ERR_ITEM_TIME', count: 2, serviceName: 'shop' }],
  });
  t.strictSame(blocks, take('traces', spansOf([span, span])).blocks);
  t.end();
});

t.test('what was held before a request with bad items stays', (t) => {
  const builder = createColumnBuilder('logs');
  const good = { timeUnixNano: now, body: { stringValue: 'good' }, severityText: 'INFO' };
  builder.append('protobuf', encode('logs', logsOf(good)));
  const mixed = logsOf({ ...good, severityText: 'new word', timeUnixNano: late }, good);
  t.match(builder.append('protobuf', encode('logs', mixed)), { accepted: 1, rejected: 1 });
  const [block] = builder.finish();
  const alone = createColumnBuilder('logs');
  for (const record of [good, good]) alone.append('protobuf', encode('logs', logsOf(record)));
  t.strictSame(block, alone.finish()[0]);
  t.end();
});

// biome-ignore format: one case per line.
const points: readonly (readonly [title: string, metric: Message, code: string | undefined])[] = [
  ['a gauge of any time up to 2262',         { gauge: { dataPoints: [{ timeUnixNano: '9223372036854775807' }] } }, undefined],
  ['a gauge beyond it',                      { gauge: { dataPoints: [{ timeUnixNano: late }] } }, 'ERR_ITEM_TIME'],
  ['a summary beyond it',                    { summary: { dataPoints: [{ timeUnixNano: late }] } }, 'ERR_ITEM_TIME'],
  ['no buckets and no bounds',               { histogram: { dataPoints: [{ timeUnixNano: now, count: 1 }] } }, undefined],
  ['one bucket without bounds',              { histogram: { dataPoints: [{ timeUnixNano: now, bucketCounts: [1] }] } }, undefined],
  ['a bucket more than bounds',              { histogram: { dataPoints: [{ timeUnixNano: now, bucketCounts: [1, 2], explicitBounds: [5] }] } }, undefined],
  ['as many buckets as bounds',              { histogram: { dataPoints: [{ timeUnixNano: now, bucketCounts: [1], explicitBounds: [5] }] } }, 'ERR_POINT_BUCKETS'],
  ['bounds without buckets',                 { histogram: { dataPoints: [{ timeUnixNano: now, explicitBounds: [5] }] } }, 'ERR_POINT_BUCKETS'],
  ['bounds of a point that has no value',    { histogram: { dataPoints: [{ timeUnixNano: now, explicitBounds: [5], flags: 1 }] } }, undefined],
  ['the largest bucket of scale 20',         { exponentialHistogram: { dataPoints: [{ timeUnixNano: now, scale: 20, positive: { offset: 1073741822, bucketCounts: [1, 1] } }] } }, undefined],
  ['one bucket more',                        { exponentialHistogram: { dataPoints: [{ timeUnixNano: now, scale: 20, positive: { offset: 1073741822, bucketCounts: [1, 1, 1] } }] } }, 'ERR_POINT_RANGE'],
  ['the buckets that scale -11 has',         { exponentialHistogram: { dataPoints: [{ timeUnixNano: now, scale: -11, negative: { offset: -1, bucketCounts: [1, 1] } }] } }, undefined],
  ['a bucket below the smallest double',     { exponentialHistogram: { dataPoints: [{ timeUnixNano: now, scale: 0, negative: { offset: -1076, bucketCounts: [1] } }] } }, 'ERR_POINT_RANGE'],
  ['an absurd scale without buckets',        { exponentialHistogram: { dataPoints: [{ timeUnixNano: now, scale: -2147483648 }] } }, undefined],
  ['an absurd scale with one',               { exponentialHistogram: { dataPoints: [{ timeUnixNano: now, scale: -2147483648, positive: { bucketCounts: [1] } }] } }, 'ERR_POINT_RANGE'],
];

t.test('points that cannot be meant are rejected by name, and no others', (t) => {
  for (const [title, metric, code] of points) {
    const good = { name: 'good', gauge: { dataPoints: [{ timeUnixNano: now }] } };
    const { acceptance, blocks } = take('metrics', pointsOf(good, { name: 'it', ...metric }, good));
    const rows = blocks.reduce((sum, it) => sum + it.rows, 0);
    t.equal(acceptance.accepted, rows, title);
    t.equal(acceptance.rejections?.[0]?.code, code, title);
    t.equal(acceptance.rejected, code === undefined ? 0 : 1, title);
    if (code) t.match(acceptance.rejections, [{ sample: 'metric="it"', serviceName: 'shop' }]);
  }
  t.end();
});

// biome-ignore format: one case per line.
const warnings: readonly (readonly [title: string, signal: Signal, message: Message, text: string])[] = [
  ['no start time',       'traces',  spansOf([{ ...span, startTimeUnixNano: '0' }, span]),        'warning: 1 spans without a time are stored as of 1970 and expire at once'],
  ['a long parent',       'traces',  spansOf([{ ...span, parentSpanId: traceId }, span]),         'warning: 1 spans have a parent span id that is not 8 bytes (16 hex digits) and are stored without a parent'],
  ['parents of zeros',    'traces',  spansOf([{ ...span, parentSpanId: new Uint8Array(8) }, { ...span, parentSpanId: new Uint8Array(9) }]), 'warning: 1 spans have a parent span id that is not 8 bytes (16 hex digits) and are stored without a parent'],
  ['a parent and none',   'traces',  spansOf([{ ...span, parentSpanId: spanId }, { ...span, parentSpanId: new Uint8Array(0) }, span]), ''],
  ['no time of a point',  'metrics', pointsOf({ gauge: { dataPoints: [{ startTimeUnixNano: now }] } }), 'warning: 1 data points without a time are stored as of 1970 and expire at once'],
  ['no time of a record', 'logs',    logsOf({}, { observedTimeUnixNano: now }),                   'warning: 1 log records without a time are stored as of 1970 and expire at once'],
  ['an hour ahead',       'logs',    logsOf({ timeUnixNano: '1760003590000000000' }),             ''],
  ['more than an hour',   'logs',    logsOf({ timeUnixNano: '1760003610000000000' }),             'warning: 1 log records have a time more than an hour ahead of this server: is a clock wrong?'],
  ['an empty key',        'traces',  spansOf([{ ...span, attributes: [{ key: '' }, {}] }]),       'warning: 2 attributes have an empty key'],
  ['no data',             'metrics', pointsOf({ name: 'x' }, { gauge: {} }),                      'warning: 1 metrics have no data of a kind that this server knows'],
];

t.test('what is stored but hardly meant is told as a warning', (t) => {
  for (const [title, signal, message, text] of warnings) {
    const { acceptance } = take(signal, message);
    t.equal(acceptance.message, text, title);
    t.match(acceptance, { rejected: 0, rejections: undefined }, title);
  }
  t.end();
});

t.test('warnings and rejections of one request are told together, and not again', (t) => {
  const builder = createColumnBuilder('traces', { nowMs: () => nowMs });
  const both = spansOf([
    { ...span, attributes: [{ key: '' }] },
    { ...span, startTimeUnixNano: late },
  ]);
  t.match(builder.append('protobuf', encode('traces', both)), {
    message: /^1 spans rejected: 1 with a time [^;]+; warning: 1 attributes have an empty key$/,
  });
  t.strictSame(builder.append('protobuf', encode('traces', spansOf([span]))), {
    accepted: 1,
    rejected: 0,
    message: '',
  });
  t.end();
});

t.test('kinds of rejections are bounded, whatever services a request names', (t) => {
  const { acceptance } = take('traces', {
    resourceSpans: Array.from({ length: 100 }, (_, index) => ({
      resource: { attributes: [{ key: 'service.name', value: { stringValue: `s${index}` } }] },
      scopeSpans: [{ spans: [{ ...span, name: 'n'.repeat(100_000), spanId: new Uint8Array(0) }] }],
    })),
  });
  const rejections = acceptance.rejections ?? [];
  t.equal(rejections.length, 33);
  t.equal(
    rejections.reduce((sum, it) => sum + it.count, 0),
    100,
  );
  t.match(rejections.at(-1), { serviceName: '', count: 68 });
  for (const { sample } of rejections) t.ok(sample.length < 400);
  t.end();
});
