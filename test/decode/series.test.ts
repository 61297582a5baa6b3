import t from 'tap';
import { createColumnBuilder } from '../../src/decode/builder.ts';
import type { DecodingBuilder } from '../../src/decode/builder-options.ts';
import { SeriesBook, shareSeries } from '../../src/decode/series-book.ts';
import type { Rejection } from '../../src/model/ingest.ts';
import type { RedactRule } from '../../src/model/redaction.ts';
import type { SharedSeries } from '../../src/model/series.ts';
import { metricsRequest } from '../support/otlp-proto.ts';
import type { Message } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';

const hourMs = 3_600_000;
/** The beginning of an hour. */
const nowMs = 488_889 * hourMs;
const many = 1_000_000;

type Attributes = Readonly<Record<string, string>>;

const keyValues = (attributes: Attributes): readonly Message[] =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));

interface Sent {
  readonly metric?: string;
  readonly resource?: Attributes;
  readonly points: readonly Attributes[];
  /** Nanoseconds, where one is not like the others. */
  readonly times?: readonly (string | undefined)[];
}

const bodyOf = ({
  metric = 'm',
  resource = { 'service.name': 'shop' },
  points,
  times = [],
}: Sent) =>
  metricsRequest
    .encode(
      metricsRequest.fromObject({
        resourceMetrics: [
          {
            resource: { attributes: keyValues(resource) },
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: metric,
                    gauge: {
                      dataPoints: points.map((it, index) => ({
                        timeUnixNano: times[index] ?? '1760000000000000000',
                        asDouble: 1,
                        attributes: keyValues(it),
                      })),
                    },
                  },
                ],
              },
            ],
          },
        ],
      }),
    )
    .finish();

const users = (from: number, to: number): readonly Attributes[] =>
  Array.from({ length: to - from }, (_, i) => ({ route: '/', 'user.id': `u${from + i}` }));

interface Told {
  readonly accepted: number;
  readonly rejections: readonly Rejection[];
}

const sendTo = (builder: DecodingBuilder, sent: Sent): Told => {
  const acceptance = builder.append('protobuf', bodyOf(sent));
  if (acceptance === 'full') throw new Error('the request does not fit');
  t.equal(builder.rows(), acceptance.accepted);
  builder.discard();
  return { accepted: acceptance.accepted, rejections: acceptance.rejections ?? [] };
};

interface Given {
  readonly series: SharedSeries;
  readonly clock?: { nowMs: number };
  readonly redact?: readonly RedactRule[];
}

const builderFor = ({ series, clock = { nowMs }, redact = [] }: Given) =>
  createColumnBuilder('metrics', { nowMs: () => clock.nowMs, redact, series });

t.test('new series beyond the limit of a metric are rejected, and the attribute is named', (t) => {
  const builder = builderFor({
    series: shareSeries({ perMetric: 100, perService: many, total: many }),
  });
  t.equal(sendTo(builder, { points: users(0, 90) }).accepted, 90);
  const { accepted, rejections } = sendTo(builder, { points: users(80, 180) });
  t.equal(accepted, 20, '10 that were known and 10 more');
  t.strictSame(rejections, [
    {
      code: 'ERR_POINT_SERIES',
      reason:
        'a new series, of which the metric, its service or this server has as many as ingest.limits allows',
      serviceName: 'shop',
      count: 80,
      sample: 'metric="m" limit=metric attribute="user.id" values=81',
    },
  ]);
  t.equal(sendTo(builder, { points: users(0, 100) }).accepted, 100, 'what is known goes on');
  t.equal(sendTo(builder, { metric: 'n', points: users(0, 50) }).accepted, 50, 'as do others');
  const cart = { 'service.name': 'cart' };
  t.equal(sendTo(builder, { resource: cart, points: users(0, 100) }).accepted, 100);
  t.end();
});

t.test('a service and the server have limits as well', (t) => {
  const series = shareSeries({ perMetric: 50, perService: 70, total: 100 });
  const builder = builderFor({ series });
  const limitOf = (told: Told) => / limit=(\w+)/.exec(told.rejections[0]?.sample ?? '')?.[1];
  t.equal(sendTo(builder, { metric: 'a', points: users(0, 40) }).accepted, 40);
  const second = sendTo(builder, { metric: 'b', points: users(0, 40) });
  t.strictSame([second.accepted, limitOf(second)], [30, 'service']);
  const resource = { 'service.name': 'cart' };
  const third = sendTo(builder, { resource, points: users(0, 40) });
  t.strictSame([third.accepted, limitOf(third)], [30, 'total']);
  t.end();
});

t.test('a series is what is stored: order and redaction of attributes do not make more', (t) => {
  const limits = { perMetric: 1, perService: many, total: many };
  const inOrder = builderFor({ series: shareSeries(limits) });
  const told = sendTo(inOrder, {
    points: [
      { a: '1', b: '2' },
      { b: '2', a: '1' },
      { b: '1', a: '2' },
    ],
  });
  t.equal(told.accepted, 2);
  const redact: readonly RedactRule[] = [
    {
      name: 'users',
      match: { kind: 'key', globs: ['user.id'] },
      in: ['metric', 'resource'],
      action: { kind: 'drop' },
    },
  ];
  const redacting = builderFor({ series: shareSeries(limits), redact });
  t.equal(sendTo(redacting, { points: users(0, 10) }).accepted, 10);
  const resource = { 'service.name': 'shop', 'user.id': 'x' };
  t.equal(sendTo(redacting, { resource, points: [{ route: '/' }] }).accepted, 1);
  t.end();
});

t.test('an attribute of the resource may be what explodes', (t) => {
  const builder = builderFor({
    series: shareSeries({ perMetric: 10, perService: many, total: many }),
  });
  let sample = '';
  for (let pod = 0; pod < 40; pod += 1) {
    const resource = { 'service.name': 'shop', 'k8s.pod.name': `shop-${pod}` };
    sample = sendTo(builder, { resource, points: [{ route: '/' }] }).rejections[0]?.sample ?? '';
  }
  t.equal(sample, 'metric="m" limit=metric attribute="k8s.pod.name" values=30');
  t.end();
});

t.test('what was silent for an hour is forgotten, and what was not goes on', (t) => {
  const clock = { nowMs };
  const series = shareSeries({ perMetric: 100, perService: many, total: many });
  const builder = builderFor({ series, clock });
  const accepted = (from: number, to: number) =>
    sendTo(builder, { points: users(from, to) }).accepted;
  t.equal(accepted(0, 100), 100);
  clock.nowMs = nowMs + hourMs;
  t.equal(accepted(100, 200), 0, 'those of the last hour still count');
  t.equal(accepted(50, 150), 50);
  clock.nowMs = nowMs + 2 * hourMs;
  t.equal(accepted(100, 200), 50, 'half of them went on');
  t.equal(accepted(0, 50), 0, 'and the other half is new again');
  clock.nowMs = nowMs + 9 * hourMs;
  t.equal(accepted(300, 500), 100);
  t.end();
});

t.test('a point that is bad anyway is told once, and takes no series', (t) => {
  const series = shareSeries({ perMetric: 1, perService: many, total: many });
  const builder = builderFor({ series });
  const points = [{ timeUnixNano: '9223372036854775808' }, { attributes: keyValues({ a: '1' }) }];
  const metrics = [{ name: 'm', gauge: { dataPoints: points } }];
  const body = metricsRequest
    .encode(metricsRequest.fromObject({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }))
    .finish();
  const acceptance = builder.append('protobuf', body);
  t.match(acceptance, { accepted: 1, rejected: 1, rejections: [{ code: 'ERR_ITEM_TIME' }] });
  t.end();
});

t.test('threads share what they know', (t) => {
  const series = shareSeries({ perMetric: 100, perService: many, total: many });
  const [first, second] = [builderFor({ series }), builderFor({ series })];
  t.equal(sendTo(first, { points: users(0, 100) }).accepted, 100);
  t.equal(sendTo(second, { points: users(0, 100) }).accepted, 100);
  t.equal(sendTo(second, { points: users(100, 110) }).accepted, 0);
  t.end();
});

t.test('hardly one is forgotten and none counted twice while there are more and more', (t) => {
  const limits = { perMetric: many, perService: many, total: 200_000 };
  const series = shareSeries(limits);
  const book = new SeriesBook(series);
  book.turnTo(nowMs);
  // Multiplication by an odd number hits each 32-bit number once.
  const admit = (it: number) =>
    book.admit(Math.imul(it, 0x9e37_79b1), Math.imul(it, 0x85eb_ca6b), 7, 8);
  let begun = 0;
  for (let it = 1; it <= 150_000; it += 1) if (admit(it) !== 'known') begun += 1;
  t.equal(begun, 150_000);
  let unknown = 0;
  for (let it = 1; it <= 150_000; it += 1) if (admit(it) !== 'known') unknown += 1;
  t.ok(unknown < 15, `${unknown} found both of their buckets full`);
  t.equal(book.known(), 150_000);
  for (let it = 150_001; it <= 250_000; it += 1) admit(it);
  t.equal(book.known(), 200_000);
  t.equal(admit(250_000), 'total');
  t.end();
});

t.test('points of series that are known for long are looked at one in eight', (t) => {
  const series = shareSeries({ perMetric: many, perService: many, total: 10 * many });
  const builder = builderFor({ series });
  const book = new SeriesBook(series);
  book.turnTo(nowMs);
  for (let round = 0; round < 110; round += 1) sendTo(builder, { points: users(0, 10_000) });
  t.equal(book.known(), 10_000);
  sendTo(builder, { points: users(10_000, 10_008) });
  t.ok(book.known() > 10_000, 'of eight in a row one is seen');
  for (let round = 0; round < 8; round += 1) sendTo(builder, { points: users(10_000, 10_008) });
  t.equal(book.known(), 10_008, 'and then all of them');
  t.end();
});

t.test(
  'a request that is decoded again gives the rows that it gave, whatever is known by then',
  (t) => {
    const random = seededRandom(11);
    const blocksOf = (builder: DecodingBuilder) =>
      builder.finish().map(({ table, rows, segments }) => [table, rows, Buffer.concat(segments)]);
    const accept = createColumnBuilder('metrics', {
      nowMs: () => nowMs,
      series: shareSeries({ perMetric: 60, perService: many, total: many }),
    });
    const again = createColumnBuilder('metrics', { nowMs: () => nowMs });
    let leftOuts = 0;
    for (let round = 0; round < 60; round += 1) {
      // Known and new series in any order, and now and then a point that is bad by itself.
      const numbers = Array.from({ length: 1 + Math.floor(random() * 300) }, () =>
        Math.floor(random() ** 2 * 400),
      );
      const body = bodyOf({
        points: numbers.map((it) => ({ 'user.id': `u${it}` })),
        times: numbers.map(() => (random() < 0.02 ? '18446744073709551615' : undefined)),
      });
      const first = accept.append('protobuf', body);
      if (first === 'full') throw new Error('the request does not fit');
      const { leftOut } = first;
      if (leftOut !== undefined) leftOuts += 1;
      const second = again.append('protobuf', body, leftOut);
      if (second === 'full') throw new Error('the request does not fit');
      t.strictSame([second.accepted, second.rejected], [first.accepted, first.rejected]);
      t.equal(second.message, first.message);
      t.strictSame(blocksOf(again), blocksOf(accept), `${round}`);
    }
    t.ok(leftOuts > 30);
    t.end();
  },
);

t.test('of a request with too long a list all points are stored when it is decoded again', (t) => {
  const series = shareSeries({ perMetric: 10, perService: many, total: many });
  const accept = builderFor({ series });
  t.equal(sendTo(accept, { points: users(0, 10) }).accepted, 10);
  // One that is known after each that is new: 60,000 runs of one point.
  const points = users(10, 30_010).flatMap((it) => [it, ...users(0, 1)]);
  const first = accept.append('protobuf', bodyOf({ points }));
  if (first === 'full') throw new Error('the request does not fit');
  t.ok(first.rejected > 25_000);
  t.equal(first.leftOut, undefined);
  t.end();
});
