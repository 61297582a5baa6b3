import type { Test } from 'tap';
import t from 'tap';
import type { Signal } from '../../src/model/ingest.ts';
import { type RedactRule, redactPlaces } from '../../src/model/redaction.ts';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { jsonEachRow, logRows, metricRows, traceRows } from '../support/naive-rows.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../support/otlp-proto.ts';
import { type Message, sampleLogs, sampleMetrics, sampleTraces } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';
import { sameRows } from '../support/same-rows.ts';

const types = { traces: tracesRequest, metrics: metricsRequest, logs: logsRequest };

const encode = (signal: Signal, message: Message): Uint8Array =>
  types[signal].encode(types[signal].fromObject(message)).finish();

const rowsOf = (signal: Signal, message: Message, table: string): string => {
  const request = types[signal].decode(encode(signal, message));
  if (signal === 'traces') return jsonEachRow(traceRows(request));
  if (signal === 'logs') return jsonEachRow(logRows(request));
  const rows = metricRows(request)[table];
  if (!rows) throw new Error(`no rows for ${table}`);
  return jsonEachRow(rows);
};

/** Found to be so only behind everything in it. */
const broken = (body: Uint8Array): Uint8Array => Buffer.concat([body, Buffer.from([10, 1])]);

const clickhouse = await startClickHouse(t);

/** Sends `given` through the rules and compares every row with those of `wanted` without any. */
const becomes = async (
  t: Test,
  signal: Signal,
  redact: readonly RedactRule[],
  given: Message,
  wanted: Message,
): Promise<readonly number[]> => {
  const builder = createColumnBuilder(signal, { redact });
  t.match(builder.append('protobuf', encode(signal, given)), { rejected: 0 });
  for (const block of builder.finish()) {
    await sameRows(t, clickhouse, block, rowsOf(signal, wanted, block.table));
  }
  return builder.takeTally().redacted;
};

const mask = (keepChars = 0) => ({ kind: 'mask', keepChars }) as const;
const drop = { kind: 'drop' } as const;
const hash = { kind: 'hash', salt: 'sixteen characters' } as const;

const keyRule = (
  glob: string,
  action: RedactRule['action'],
  places = redactPlaces as RedactRule['in'],
): RedactRule => ({
  name: glob,
  match: { kind: 'key', globs: [glob] },
  in: places,
  action,
});
const valueRule = (
  pattern: string,
  action: RedactRule['action'],
  places = redactPlaces as RedactRule['in'],
): RedactRule => ({
  name: pattern,
  match: { kind: 'value', pattern },
  in: places,
  action,
});

const email = String.raw`[\w.+-]+@[\w-]+(?:\.[\w-]+)+`;

const text = (key: string, stringValue: string): Message => ({ key, value: { stringValue } });
const int = (key: string, intValue: string): Message => ({ key, value: { intValue } });
const map = (...values: readonly Message[]): Message => ({ kvlistValue: { values } });
const list = (...values: readonly Message[]): Message => ({ arrayValue: { values } });

const ids = { traceId: new Uint8Array(16).fill(0xab), spanId: new Uint8Array(8).fill(0xcd) };
const spans = (resource: readonly Message[], ...items: readonly Message[]): Message => ({
  resourceSpans: [
    {
      resource: { attributes: resource },
      scopeSpans: [{ spans: items.map((it) => ({ ...ids, ...it })) }],
    },
  ],
});
const logs = (...logRecords: readonly Message[]): Message => ({
  resourceLogs: [{ scopeLogs: [{ logRecords }] }],
});

t.test(
  'keys are dropped, masked and hashed wherever they stand, and in no other place',
  async (t) => {
    const rules = [
      keyRule('user.email', hash),
      keyRule('http.request.header.*', drop),
      keyRule('CARD.number', mask(4)),
      keyRule('secret', mask(), ['event']),
    ];
    const given = spans(
      [text('service.name', 'shop'), text('user.email', 'ann@shop.example'), text('secret', 's')],
      {
        attributes: [
          text('http.request.header.cookie', 'session=1'),
          text('http.request.method', 'GET'),
          text('user.email', 'ann@shop.example'),
          int('card.number', '4111111111111111'),
          text('secret', 'stays'),
        ],
        events: [
          { name: 'e', attributes: [text('secret', 'goes'), text('Card.Number', '1234567')] },
        ],
        links: [{ attributes: [text('http.request.header.x', 'x'), text('secret', 'stays')] }],
      },
      { attributes: [text('http.request.header.cookie', 'session=2')] },
      { attributes: [text('user.email', '')] },
      { attributes: [int('user.email', '12345')] },
    );
    const wanted = spans(
      [
        text('service.name', 'shop'),
        text('user.email', 'hash:ab4226837af965ec'),
        text('secret', 's'),
      ],
      {
        attributes: [
          text('http.request.method', 'GET'),
          text('user.email', 'hash:ab4226837af965ec'),
          text('card.number', '****1111'),
          text('secret', 'stays'),
        ],
        events: [{ name: 'e', attributes: [text('secret', '****'), text('Card.Number', '****')] }],
        links: [{ attributes: [text('secret', 'stays')] }],
      },
      {},
      { attributes: [text('user.email', 'hash:2593324ea9167f2b')] },
      { attributes: [text('user.email', 'hash:1da0b8450488e16e')] },
    );
    t.strictSame(await becomes(t, 'traces', rules, given, wanted), [4, 3, 2, 1]);
  },
);

t.test('a service name that is redacted is redacted everywhere', async (t) => {
  const given = spans([text('service.name', 'shop')], { name: 'a' });
  const wanted = spans([text('service.name', 'hash:eca6fd9b2593a4c0')], { name: 'a' });
  await becomes(t, 'traces', [keyRule('service.*', hash)], given, wanted);
  await becomes(t, 'traces', [keyRule('service.*', drop)], given, spans([], { name: 'a' }));
});

t.test('patterns find what they look for in every kind of text', async (t) => {
  const rules = [valueRule(email, mask()), valueRule(String.raw`\b4\d{15}\b`, mask(4))];
  const given = spans([text('owner', 'ann@shop.example')], {
    name: 'mail ann@shop.example',
    status: { code: 2, message: 'no such user: ann@shop.example, bob@shop.example' },
    attributes: [
      text('plain', 'nothing here'),
      text('long', `${'x '.repeat(2000)}ann@shop.example${' y'.repeat(2000)}`),
      text('ünï', 'é ann@shop.example 🐙'),
      int('card', '4111111111111111'),
      int('count', '7'),
      { key: 'double', value: { doubleValue: 4111111111111111 } },
      {
        key: 'list',
        value: list({ stringValue: 'ann@shop.example' }, { intValue: '4111111111111111' }),
      },
      { key: 'map', value: map(text('a', 'x'), text('b', 'ann@shop.example')) },
      { key: 'empty' },
    ],
  });
  const wanted = spans([text('owner', '****')], {
    name: 'mail ****',
    status: { code: 2, message: 'no such user: ****, ****' },
    attributes: [
      text('plain', 'nothing here'),
      text('long', `${'x '.repeat(2000)}****${' y'.repeat(2000)}`),
      text('ünï', 'é **** 🐙'),
      text('card', '****1111'),
      int('count', '7'),
      { key: 'double', value: { doubleValue: 4111111111111111 } },
      text('list', '["****","****1111"]'),
      text('map', '{"a":"x","b":"****"}'),
      { key: 'empty' },
    ],
  });
  t.strictSame(await becomes(t, 'traces', rules, given, wanted), [7, 2]);
});

t.test('a pattern that drops takes the whole value with it', async (t) => {
  const rules = [valueRule(email, drop)];
  const given = spans([], {
    name: 'ann@shop.example',
    attributes: [
      text('a', 'to ann@shop.example'),
      { key: 'b', value: list({ stringValue: 'ann@shop.example' }) },
      text('c', 'c'),
    ],
  });
  await becomes(t, 'traces', rules, given, spans([], { name: '', attributes: [text('c', 'c')] }));
});

t.test('bodies of log records are redacted by pattern and by the keys inside them', async (t) => {
  const rules = [
    keyRule('password', drop),
    keyRule('user.email', hash),
    valueRule(email, mask()),
    keyRule('only.log', drop, ['log']),
  ];
  const given = logs(
    {
      body: { stringValue: 'ann@shop.example signed in' },
      attributes: [text('only.log', 'x'), text('password', 'p')],
    },
    {
      body: map(
        text('Password', 'hush'),
        text('only.log', 'stays'),
        {
          key: 'user',
          value: map(text('email', 'ann@shop.example'), {
            key: 'password',
            value: list(map(text('a', 'b'))),
          }),
        },
        {
          key: 'list',
          value: list(map(text('password', 'hush'), text('note', 'cc bob@shop.example'))),
        },
      ),
    },
    { body: { stringValue: 'nothing' } },
    {},
  );
  const wanted = logs(
    { body: { stringValue: '**** signed in' } },
    {
      body: map(
        text('only.log', 'stays'),
        { key: 'user', value: map(text('email', 'hash:ab4226837af965ec')) },
        { key: 'list', value: list(map(text('note', 'cc ****'))) },
      ),
    },
    { body: { stringValue: 'nothing' } },
    {},
  );
  t.strictSame(await becomes(t, 'logs', rules, given, wanted), [4, 1, 2, 1]);
});

t.test('data points and their exemplars are redacted alike', async (t) => {
  const point = (attributes: readonly Message[]): Message => ({
    attributes,
    asDouble: 1,
    exemplars: [{ asDouble: 1, filteredAttributes: attributes }],
  });
  const metrics = (attributes: readonly Message[]): Message => ({
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            scope: { name: 's', attributes },
            metrics: [
              { name: 'g', gauge: { dataPoints: [point(attributes)] } },
              { name: 's', sum: { dataPoints: [point(attributes)] } },
            ],
          },
        ],
      },
    ],
  });
  const rules = [keyRule('user.id', drop)];
  const given = metrics([text('user.id', 'ann'), text('a', 'b')]);
  const counts = await becomes(t, 'metrics', rules, given, metrics([text('a', 'b')]));
  t.strictSame(counts, [6], 'points, exemplars and scopes of two tables');
});

t.test('both encodings and every cut of the stream give the same bytes', async (t) => {
  const rules = [
    keyRule('user.*', hash),
    keyRule('exception.stacktrace', drop),
    keyRule('host.name', mask(2)),
    valueRule(String.raw`shop-\d+`, mask(1)),
  ];
  const samples = { traces: sampleTraces, metrics: sampleMetrics, logs: sampleLogs };
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    const type = types[signal];
    const bodies = [1, 2, 3].map((seed) =>
      encode(signal, samples[signal](seededRandom(seed), { resources: 2, scopes: 2, items: 20 })),
    );
    const jsonOf = (body: Uint8Array): Uint8Array => {
      const ids = new Set(['traceId', 'spanId', 'parentSpanId']);
      const object = type.toObject(type.decode(body), { longs: String, bytes: Array });
      return Buffer.from(
        JSON.stringify(object, (key, value: unknown) =>
          ids.has(key) && Array.isArray(value) ? Buffer.from(value).toString('hex') : value,
        ),
      );
    };
    const builder = createColumnBuilder(signal, { redact: rules });
    for (const body of bodies) builder.append('protobuf', body);
    const expected = builder.finish();
    const tally = builder.takeTally();
    t.ok(
      tally.redacted.some((it) => it > 0),
      `rules did something to ${signal}`,
    );
    // The same builder again, with a request in between that leaves no trace.
    for (const body of bodies) {
      builder.append('json', jsonOf(body));
      t.throws(() => builder.append('protobuf', broken(body)));
    }
    t.strictSame(builder.finish(), expected, signal);
    t.strictSame(builder.takeTally(), tally, 'refused requests are not counted');
  }
});

t.test('what is told of rejected spans is redacted too', async (t) => {
  const builder = createColumnBuilder('traces', {
    redact: [valueRule(email, mask()), keyRule('service.name', hash)],
  });
  const message = spans([text('service.name', 'shop')], {
    name: 'GET /ann@shop.example',
    spanId: new Uint8Array(1),
  });
  const acceptance = builder.append('protobuf', encode('traces', message));
  t.match(acceptance, {
    rejections: [
      { serviceName: 'hash:eca6fd9b2593a4c0', sample: /^name="GET \/\*{4}" trace_id=abab/ },
    ],
  });
});

t.test('each place has its own rules', async (t) => {
  const secret = [text('secret', 's')];
  const all = (
    resource: Message,
    scope: Message,
    span: Message,
    event: Message,
    link: Message,
  ): Message => ({
    resourceSpans: [
      {
        resource: { attributes: [resource] },
        scopeSpans: [
          {
            scope: { name: 's', attributes: [scope] },
            spans: [
              {
                ...ids,
                attributes: [span],
                events: [{ attributes: [event] }],
                links: [{ attributes: [link] }],
              },
            ],
          },
        ],
      },
    ],
  });
  const places = ['resource', 'scope', 'span', 'event', 'link'] as const;
  const [stays = {}] = secret;
  const given = all(stays, stays, stays, stays, stays);
  for (const place of places) {
    const [a = {}, b = {}, c = {}, d = {}, e = {}] = places.map((it) =>
      it === place ? text('secret', '****') : stays,
    );
    const counts = await becomes(
      t,
      'traces',
      [keyRule('secret', mask(), [place])],
      given,
      all(a, b, c, d, e),
    );
    t.strictSame(counts, [1]);
  }
});

t.test('keys are judged anew for each block and after each refused request', async (t) => {
  const builder = createColumnBuilder('traces', { redact: [keyRule('secret', mask())] });
  const of = (...keys: readonly string[]): Message =>
    spans([], { attributes: keys.map((key) => text(key, 'value')) });
  const refused = (message: Message) => {
    t.throws(() => builder.append('protobuf', broken(encode('traces', message))));
  };
  const rows: string[] = [];
  // The same numbers in the dictionary, for other keys each time.
  for (const keys of [
    ['a', 'secret'],
    ['secret', 'a'],
    ['a', 'b'],
  ]) {
    builder.append('protobuf', encode('traces', of('first')));
    if (rows.length !== 1) refused(of(...keys.toReversed()));
    builder.append('protobuf', encode('traces', of(...keys)));
    for (const block of builder.finish()) {
      const wanted = [
        of('first'),
        spans([], {
          attributes: keys.map((key) => text(key, key === 'secret' ? '****' : 'value')),
        }),
      ];
      await sameRows(
        t,
        clickhouse,
        block,
        wanted.map((it) => rowsOf('traces', it, block.table)).join(''),
      );
      rows.push(block.table);
    }
  }
  t.equal(rows.length, 3);
});
