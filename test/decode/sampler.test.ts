import type { Test } from 'tap';
import t from 'tap';
import type { SampleRule } from '../../src/model/sampling.ts';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { tracesRequest } from '../support/otlp-proto.ts';
import type { Message } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';
import { readBlock } from '../support/read-block.ts';

const clickhouse = await startClickHouse(t);

const encode = (message: Message): Uint8Array =>
  tracesRequest.encode(tracesRequest.fromObject(message)).finish();

const text = (key: string, stringValue: string): Message => ({ key, value: { stringValue } });

/** Resource behind the spans: nothing says that it comes first. */
const request = (resource: readonly Message[], spans: readonly Message[]): Message => ({
  resourceSpans: [{ scopeSpans: [{ spans }], resource: { attributes: resource } }],
});

const rule = (more: Partial<SampleRule>): SampleRule => ({
  name: 'test',
  where: [],
  keep: 0.1,
  keepErrors: true,
  ...more,
});

const idOf = (low: number, high = 0): Uint8Array => {
  const id = new Uint8Array(16).fill(0xaa);
  const view = new DataView(id.buffer);
  view.setUint32(8, 0xaa00_0000 + high);
  view.setUint32(12, low);
  return id;
};

interface Stored {
  readonly TraceId: string;
  readonly SpanName: string;
  readonly ServiceName: string;
  readonly TraceState: string;
  readonly StatusCode: string;
  readonly AdjustedCount: number;
}

const columns = [
  'TraceId',
  'SpanName',
  'ServiceName',
  'TraceState',
  'StatusCode',
  'AdjustedCount',
] as const;

/** Sends the messages, of which all spans must be stored or counted, and reads back what is stored. */
const store = async (
  t: Test,
  sample: readonly SampleRule[],
  messages: readonly Message[],
  spansSent: number,
): Promise<{ rows: readonly Stored[]; sampledOut: readonly number[] }> => {
  const builder = createColumnBuilder('traces', { sample });
  let accepted = 0;
  let told = 0;
  for (const message of messages) {
    const acceptance = builder.append('protobuf', encode(message));
    if (acceptance === 'full') throw new Error('the request does not fit');
    accepted += acceptance.accepted;
    told += acceptance.sampledOut ?? 0;
  }
  t.equal(accepted, spansSent, 'what is sampled out is accepted');
  const { sampledOut } = builder.takeTally();
  const [block] = builder.finish();
  const rows = block ? await readBlock<Stored>(clickhouse, block, columns) : [];
  const left = sampledOut.reduce((sum, it) => sum + it, 0);
  t.equal(left, told);
  t.equal(rows.length + left, spansSent, 'every span is stored or counted');
  return { rows, sampledOut };
};

const spanId = new Uint8Array(8).fill(0xcd);
const low = idOf(0, 0);
const high = idOf(0, 0xff_ffff);

t.test('each rule has its spans, errors and slow ones apart', async (t) => {
  const span = (name: string, more: Message = {}): Message => ({
    traceId: low,
    spanId,
    name,
    ...more,
  });
  const lasting = (name: string, endTimeUnixNano: string): Message =>
    span(name, { startTimeUnixNano: '1760000000999999999', endTimeUnixNano });
  const rules: readonly SampleRule[] = [
    rule({
      name: 'health',
      where: [{ key: 'http.route', globs: ['/health*', '/ready'] }],
      keep: 0,
      keepErrors: false,
    }),
    rule({
      name: 'kind',
      where: [
        { key: 'kind', globs: ['client'] },
        { key: 'name', globs: ['GET ?'] },
      ],
      keep: 0.5,
    }),
    rule({
      name: 'host',
      where: [
        { key: 'host.name', globs: ['a*'] },
        { key: 'service.name', globs: ['shop'] },
      ],
      keep: 0.25,
    }),
    rule({
      name: 'shop',
      where: [{ key: 'service.name', globs: ['sh*'] }],
      keep: 0.1,
      keepSlowerThanMs: 500,
    }),
  ];
  const spans = (): readonly Message[] => [
    span('low'),
    span('high', { traceId: high }),
    span('error', { status: { code: 2 } }),
    span('health', {
      traceId: high,
      status: { code: 2 },
      attributes: [text('http.route', '/healthz')],
    }),
    span('GET x', { kind: 3 }),
    span('GET y', { kind: 3, traceId: high }),
    span('GET z', { kind: 2, traceId: high }),
    lasting('slow', '1760000001500000000'),
    lasting('just not slow', '1760000001499999999'),
    span('host', { traceId: high, attributes: [text('host.name', 'b')] }),
  ];
  const shop = [text('service.name', 'shop')];
  const messages = [
    request(shop, spans()),
    request(
      [...shop, text('host.name', 'a1')],
      [
        span('low'),
        span('own', { traceId: high, attributes: [text('host.name', 'b')] }),
        span('high', { traceId: high }),
      ],
    ),
    request([], [span('nobody')]),
    request([text('service.name', 'other')], [span('other'), span('GET x', { kind: 3 })]),
  ];
  const { rows, sampledOut } = await store(t, rules, messages, 16);
  t.strictSame(
    rows.map((it) => [it.SpanName, it.ServiceName, it.AdjustedCount]),
    [
      ['high', 'shop', 10],
      ['error', 'shop', 1],
      ['GET y', 'shop', 2],
      ['GET z', 'shop', 10],
      ['slow', 'shop', 1],
      ['host', 'shop', 10],
      ['own', 'shop', 10],
      ['high', 'shop', 4],
      ['nobody', '', 1],
      ['other', 'other', 1],
    ],
  );
  t.strictSame(sampledOut, [1, 2, 1, 2]);
});

t.test('counts multiply with those of samplers before, whose words stay', async (t) => {
  const span = (traceState: string, number: number, code = 0): Message => ({
    traceId: idOf(0, number),
    spanId,
    traceState,
    status: { code },
  });
  const messages = [
    request(
      [],
      [
        span('ot=th:8', 0xbf_ffff),
        span('ot=th:8', 0xc0_0000),
        span('ot=th:8;rv:d0000000000000', 0x80_0000),
        span('ot=th:8', 0x80_0000, 2),
        span('vendor=x', 0x80_0000),
      ],
    ),
  ];
  const { rows } = await store(t, [rule({ keep: 0.5 })], messages, 5);
  t.strictSame(
    rows.map((it) => [it.TraceState, it.AdjustedCount]),
    [
      ['ot=th:8', 4],
      ['ot=th:8;rv:d0000000000000', 4],
      ['ot=th:8', 2],
      ['vendor=x', 2],
    ],
  );
});

t.test('weighted counts of 100,000 spans are those of all of them', async (t) => {
  const random = seededRandom(11);
  const traces = 25_000;
  const services = ['web', 'cart', 'pay', 'stock'];
  const truth = { spans: 0, errors: 0 };
  // Every service sends its own span of every trace; one in fifty fails.
  const ids = Array.from({ length: traces }, () =>
    idOf(Math.floor(random() * 2 ** 32), Math.floor(random() * 2 ** 24)),
  );
  const messages = services.flatMap((service) =>
    Array.from({ length: 5 }, (_, part) =>
      request(
        [text('service.name', service)],
        ids.slice(part * 5000, part * 5000 + 5000).map((traceId) => {
          const code = random() < 0.02 ? 2 : 0;
          truth.spans += 1;
          truth.errors += code === 2 ? 1 : 0;
          return { traceId, spanId, name: service, status: { code } };
        }),
      ),
    ),
  );
  const rules = [
    rule({ name: 'pay', where: [{ key: 'service.name', globs: ['pay'] }], keep: 0.2 }),
    rule({ name: 'others', keep: 0.05 }),
  ];
  const { rows } = await store(t, rules, messages, 100_000);
  const sum = (those: readonly Stored[]) =>
    those.reduce((total, it) => total + it.AdjustedCount, 0);
  const errors = rows.filter((it) => it.StatusCode === 'Error');
  t.equal(sum(errors), truth.errors, 'errors are all there, and each is one');

  /* Of n spans without error kept with share p, the sum of weights 1/p has the standard deviation
   * √(n(1-p)/p): √(24500 × 0.8/0.2) = 313 for pay, √(24500 × 0.95/0.05) = 682 for each of the others,
   * which keep the same traces, so theirs add: 2046. Together √(313² + 2046²) = 2070; four of it. */
  t.ok(Math.abs(sum(rows) - truth.spans) < 4 * 2070, `${sum(rows)} for ${truth.spans}`);
  t.ok(rows.length < 13_000, 'and most are gone');

  const kept = (service: string) =>
    new Set(
      rows
        .filter((it) => it.ServiceName === service && it.StatusCode !== 'Error')
        .map((it) => it.TraceId),
    );
  const failed = (service: string) =>
    new Set(
      rows
        .filter((it) => it.ServiceName === service && it.StatusCode === 'Error')
        .map((it) => it.TraceId),
    );
  const [web, cart, pay] = [kept('web'), kept('cart'), kept('pay')];
  t.ok(web.size > 1000);
  t.strictSame(
    web.difference(cart).difference(failed('cart')),
    new Set(),
    'the same traces everywhere',
  );
  t.strictSame(
    web.difference(pay).difference(failed('pay')),
    new Set(),
    'and of a larger share all of a smaller one',
  );
});

t.test('both encodings sample alike, and what is refused is not counted', async (t) => {
  const random = seededRandom(3);
  const spans = Array.from({ length: 500 }, () => ({
    traceId: idOf(Math.floor(random() * 2 ** 32), Math.floor(random() * 2 ** 24)),
    spanId,
    attributes: [{ key: 'n', value: { intValue: String(Math.floor(random() * 3)) } }],
  }));
  const sample = [rule({ where: [{ key: 'n', globs: ['1', '2'] }], keep: 0.3 })];
  const builder = createColumnBuilder('traces', { sample });
  const body = encode(request([], spans));
  builder.append('protobuf', body);
  t.throws(() => builder.append('protobuf', Buffer.concat([body, Buffer.from([10, 1])])));
  const blocks = builder.finish();
  const tally = builder.takeTally();
  const json = JSON.stringify(request([], spans), (key, value: unknown) =>
    /Id$/.test(key) ? Buffer.from(Object.values<number>(Object(value))).toString('hex') : value,
  );
  builder.append('json', Buffer.from(json));
  t.strictSame(builder.takeTally(), tally);
  t.strictSame(builder.finish(), blocks);
  t.ok((tally.sampledOut[0] ?? 0) > 150);
});
