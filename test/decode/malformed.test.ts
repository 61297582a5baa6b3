import t, { type Test } from 'tap';
import type { ColumnBuilderOptions } from '../../src/decode/builder-options.ts';
import { Fault } from '../../src/lib/fault.ts';
import type { ColumnBuilder } from '../../src/model/block.ts';
import type { Signal } from '../../src/model/ingest.ts';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../support/otlp-proto.ts';
import { type Message, sampleLogs, sampleMetrics, sampleTraces } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';

const types = { traces: tracesRequest, metrics: metricsRequest, logs: logsRequest };
const signals: readonly Signal[] = ['traces', 'metrics', 'logs'];

const encode = (signal: Signal, message: Message): Buffer =>
  Buffer.from(types[signal].encode(types[signal].fromObject(message)).finish());

const sample = (signal: Signal, seed: number): Buffer => {
  const random = seededRandom(seed);
  const size = { resources: 2, scopes: 2, items: 5 };
  switch (signal) {
    case 'traces':
      return encode(signal, sampleTraces(random, size));
    case 'metrics':
      return encode(signal, sampleMetrics(random, size));
    case 'logs':
      return encode(signal, sampleLogs(random, size));
  }
};

/** What the builder holds, as bytes; it is empty afterwards. */
const contents = (builder: ColumnBuilder): Buffer =>
  Buffer.concat(builder.finish().flatMap((block) => block.segments));

/** Appends what may be malformed; anything but a Fault of the promised kind is let through. */
const tryAppend = (
  builder: ColumnBuilder,
  body: Uint8Array,
  encoding: 'protobuf' | 'json' = 'protobuf',
): 'taken' | 'refused' | 'full' => {
  try {
    return builder.append(encoding, body) === 'full' ? 'full' : 'taken';
  } catch (error) {
    if (error instanceof Fault && error.remedy === 'reject') return 'refused';
    throw error;
  }
};

/** Held rows must come out as they would have without the attempts in between. */
const undisturbed = (
  t: Test,
  signal: Signal,
  attempts: Iterable<Uint8Array>,
  options: ColumnBuilderOptions = {},
): { taken: number; refused: number } => {
  const first = sample(signal, 11);
  const last = sample(signal, 12);
  const plain = createColumnBuilder(signal, options);
  plain.append('protobuf', first);
  plain.append('protobuf', last);
  const wanted = contents(plain);
  const builder = createColumnBuilder(signal, options);
  const tally = { taken: 0, refused: 0 };
  const begin = () => builder.append('protobuf', first);
  const endsWhole = () => {
    builder.append('protobuf', last);
    return contents(builder).equals(wanted);
  };
  begin();
  for (const body of attempts) {
    if (tryAppend(builder, body) === 'refused') {
      tally.refused += 1;
      continue;
    }
    // Still a valid request: what it added is not wanted here.
    tally.taken += 1;
    builder.finish();
    begin();
  }
  t.ok(endsWhole(), `${signal}: rows held before and after are whole`);
  return tally;
};

function* truncations(body: Buffer): Generator<Uint8Array> {
  for (let length = 0; length < body.length; length += 1) yield body.subarray(0, length);
}

function* mutations(body: Buffer, count: number, seed: number): Generator<Uint8Array> {
  const random = seededRandom(seed);
  const place = () => Math.floor(random() * body.length);
  for (let index = 0; index < count; index += 1) {
    const mutant = Buffer.from(body);
    for (let flips = 1 + Math.floor(random() * 4); flips > 0; flips -= 1) {
      mutant[place()] = Math.floor(random() * 256);
    }
    if (random() < 0.2) mutant.copyWithin(place(), place(), place());
    if (random() < 0.2) mutant.fill(0xff, place(), place());
    yield mutant;
  }
}

t.test('every truncation of a request leaves held rows whole', async (t) => {
  for (const signal of signals) {
    const { refused } = undisturbed(t, signal, truncations(sample(signal, 13)));
    t.ok(refused > 1000, `${refused} were refused`);
  }
});

t.test('twenty thousand mutations neither crash nor hang nor disturb held rows', async (t) => {
  const before = process.cpuUsage();
  for (const signal of signals) {
    const { taken, refused } = undisturbed(t, signal, mutations(sample(signal, 14), 6700, 15));
    t.ok(taken > 500 && refused > 500, `${taken} taken, ${refused} refused`);
  }
  const { user, system } = process.cpuUsage(before);
  t.ok(user + system < 20e6, `${user + system} µs`);
});

t.test('mutations of JSON are read or refused, never worse', async (t) => {
  const text = JSON.stringify(
    types.traces.toObject(types.traces.decode(sample('traces', 16)), {
      longs: String,
      bytes: String,
    }),
  );
  const builder = createColumnBuilder('traces');
  let refused = 0;
  for (const mutant of mutations(Buffer.from(text.slice(0, 4000) + text.slice(-4000)), 500, 17)) {
    t.doesNotThrow(() => {
      if (tryAppend(builder, mutant, 'json') === 'refused') refused += 1;
    });
  }
  for (const mutant of mutations(Buffer.from(text), 1500, 18)) {
    for (let at = 0; at < mutant.length; at += 1) if ((mutant[at] ?? 0) > 127) mutant[at] = 0x31;
    if (tryAppend(builder, mutant, 'json') === 'refused') refused += 1;
  }
  t.ok(refused > 500);
});

t.test('wire that OTLP never has is refused by name', async (t) => {
  const wrapped = (inner: readonly number[]) => [0x0a, inner.length, ...inner];
  // biome-ignore format: one case per line.
  const table: readonly (readonly [name: string, bytes: readonly number[], message: RegExp])[] = [
    ['a group',                     [0x0b, 0x0c],                                /wire type 3/],
    ['the end of a group',          [0x0c],                                      /wire type 4/],
    ['wire type 6',                 wrapped([0x0e]),                             /wire type 6/],
    ['field number 0',              [0x00, 0x01],                                /field number 0/],
    ['field number 0 with a length', wrapped([0x02, 0x00]),                      /field number 0/],
    ['a length past the end',       [0x0a, 0x05, 0x00],                          /a length of 5 where 1 bytes are left/],
    ['a length near 2^32',          [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],        /a length of 4294967295/],
    ['an endless number',           [0x10, ...new Array<number>(11).fill(0x80)], /more than 10 bytes/],
    ['a number cut short',          [0x10, 0x80],                                /ends behind its message/],
    ['a fixed64 cut short',         wrapped([0x11, 0, 0, 0]),                    /ends behind its message/],
    ['a fixed32 cut short',         [0x15, 0, 0],                                /ends behind its message/],
    ['a key without its length',    [0x0a],                                      /are left|ends behind/],
  ];
  for (const [name, bytes, message] of table) {
    for (const signal of signals) {
      const builder = createColumnBuilder(signal);
      t.throws(
        () => builder.append('protobuf', Uint8Array.from(bytes)),
        { code: 'ERR_OTLP_MALFORMED', remedy: 'reject', message },
        `${signal}: ${name}`,
      );
    }
  }
});

t.test('a known number that ends behind its message is refused', async (t) => {
  const nest = (content: readonly number[], ...fields: readonly number[]): Uint8Array =>
    Uint8Array.from(
      fields.reduce<readonly number[]>(
        (inner, field) => [field * 8 + 2, inner.length, ...inner],
        content,
      ),
    );
  const ids = [
    0x0a,
    16,
    ...new Array<number>(16).fill(1),
    0x12,
    8,
    ...new Array<number>(8).fill(2),
  ];
  // Followed by a field of the outer message, so that the bytes are there but not its own.
  // biome-ignore format: one case per line.
  const table: readonly (readonly [name: string, signal: Signal, body: Uint8Array])[] = [
    ['a start time',       'traces',  nest([...ids, 0x39, 1, 2, 3], 2, 2, 1)],
    ['a span kind',        'traces',  nest([...ids, 0x30, 0x80], 2, 2, 1)],
    ['span flags',         'traces',  nest([...ids, 0x85, 0x01, 1], 2, 2, 1)],
    ['an event time',      'traces',  nest([...ids, 0x5a, 2, 0x09, 1, 0x48, 1, 1, 1, 1, 1, 1], 2, 2, 1)],
    ['a status code',      'traces',  nest([...ids, 0x7a, 2, 0x18, 0x80, 0x50, 1], 2, 2, 1)],
    ['an integer value',   'traces',  nest([...ids, 0x4a, 4, 0x12, 2, 0x18, 0x80, 0x50, 1], 2, 2, 1)],
    ['a double value',     'traces',  nest([...ids, 0x4a, 5, 0x12, 3, 0x21, 1, 1, 0x50, 1], 2, 2, 1)],
    ['a point\'s value',   'metrics', nest([0x21, 1, 2, 3], 1, 5, 2, 2, 1)],
    ['a histogram\'s sum', 'metrics', nest([0x29, 1, 2, 3], 1, 9, 2, 2, 1)],
    ['half a bucket',      'metrics', nest([0x32, 7, 1, 2, 3, 4, 5, 6, 7], 1, 9, 2, 2, 1)],
    ['a bucket\'s varint', 'metrics', nest([0x42, 3, 0x12, 1, 0x80], 1, 10, 2, 2, 1)],
    ['a quantile',         'metrics', nest([0x32, 3, 0x09, 1, 2], 1, 11, 2, 2, 1)],
    ['an exemplar\'s time', 'metrics', nest([0x2a, 3, 0x11, 1, 2], 1, 5, 2, 2, 1)],
    ['a temporality',      'metrics', nest([0x0a, 0, 0x10, 0x80], 7, 2, 2, 1)],
    ['a record\'s time',   'logs',    nest([0x09, 1, 2], 2, 2, 1)],
    ['a record\'s flags',  'logs',    nest([0x45, 1, 2], 2, 2, 1)],
  ];
  for (const [name, signal, body] of table) {
    const builder = createColumnBuilder(signal);
    const followed = Buffer.concat([body, sample(signal, 19)]);
    t.throws(
      () => builder.append('protobuf', followed),
      { code: 'ERR_OTLP_MALFORMED', message: /ends behind its message|do not fill/ },
      name,
    );
    t.equal(builder.rows(), 0);
  }
});

t.test('unknown fields of every wire type are stepped over at every level', async (t) => {
  const unknown = Buffer.from([
    ...[0xd0, 0x3e, 0x96, 0x01], // Field 1002: a number, 8 bytes, a string and 4 bytes.
    ...[0xd1, 0x3e, 1, 2, 3, 4, 5, 6, 7, 8],
    ...[0xd2, 0x3e, 2, 9, 9],
    ...[0xd5, 0x3e, 1, 2, 3, 4],
  ]);
  const field = (number: number, content: Buffer): Buffer => {
    const length =
      content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7];
    return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), content]);
  };
  const build = (extra: Buffer): Buffer => {
    const keyValue = Buffer.concat([
      field(1, Buffer.from('k')),
      extra,
      field(2, Buffer.concat([extra, field(1, Buffer.from('v'))])),
    ]);
    const span = Buffer.concat([
      extra,
      field(1, Buffer.alloc(16, 1)),
      field(2, Buffer.alloc(8, 2)),
      field(9, keyValue),
      field(11, Buffer.concat([extra, field(3, keyValue)])),
      field(13, Buffer.concat([extra, field(4, keyValue)])),
      field(15, Buffer.concat([extra, Buffer.from([0x18, 2])])),
    ]);
    const scope = Buffer.concat([extra, field(1, Buffer.from('scope')), field(3, keyValue)]);
    const scopeSpans = Buffer.concat([extra, field(2, span), field(1, scope)]);
    const resource = Buffer.concat([extra, field(1, keyValue)]);
    return Buffer.concat([
      extra,
      field(1, Buffer.concat([extra, field(2, scopeSpans), field(1, resource)])),
    ]);
  };
  const [with_, without] = [build(unknown), build(Buffer.alloc(0))].map((body) => {
    const builder = createColumnBuilder('traces');
    t.match(builder.append('protobuf', body), { accepted: 1, rejected: 0 });
    return contents(builder);
  });
  t.ok(with_ && without?.equals(with_));
});

t.test('values nested beyond the limit are refused', async (t) => {
  const nested = (depth: number): Buffer => {
    let value = Buffer.alloc(0);
    for (let level = 0; level < depth; level += 1) {
      for (const tag of [0x0a, 0x2a]) {
        const length: number[] = [];
        let rest = value.length;
        for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
        value = Buffer.concat([Buffer.from([tag, ...length, rest]), value]);
      }
    }
    return value;
  };
  const logOf = (value: Buffer): Uint8Array =>
    types.logs
      .encode(
        types.logs.fromObject({
          resourceLogs: [{ scopeLogs: [{ logRecords: [{ traceId: value }] }] }],
        }),
      )
      .finish()
      .map((byte) => byte);
  // The body (field 5) is written where protobufjs wrote bytes in field 9.
  const asBody = (bytes: Uint8Array): Uint8Array => {
    const at = bytes.indexOf(0x4a);
    bytes[at] = 0x2a;
    return bytes;
  };
  const builder = createColumnBuilder('logs');
  t.match(builder.append('protobuf', asBody(logOf(nested(50)))), { accepted: 1 });
  t.throws(() => builder.append('protobuf', asBody(logOf(nested(51)))), {
    code: 'ERR_OTLP_MALFORMED',
    message: /more than 50 levels deep/,
  });
  t.throws(() => builder.append('protobuf', asBody(logOf(nested(20_000)))), {
    code: 'ERR_OTLP_MALFORMED',
  });
  t.equal(builder.rows(), 1);
});
