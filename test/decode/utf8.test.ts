import t from 'tap';
import type { Signal } from '../../src/model/ingest.ts';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../support/otlp-proto.ts';
import type { Message } from '../support/otlp-samples.ts';

const types = { traces: tracesRequest, metrics: metricsRequest, logs: logsRequest };

/** The request with what follows each `raw` replaced by bytes as they are. */
const encode = (signal: Signal, message: Message, raw: readonly number[]): Buffer => {
  const type = types[signal];
  const bytes = Buffer.from(type.encode(type.fromObject(message)).finish());
  if (raw.length === 0) return bytes;
  const mark = `raw${'#'.repeat(raw.length)}`;
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    bytes.set(raw, at + 3);
  }
  return bytes;
};

const blocksOf = (signal: Signal, body: Uint8Array) => {
  const builder = createColumnBuilder(signal);
  t.match(builder.append('protobuf', body), { rejected: 0 });
  return builder.finish();
};

const bytesOf = (blocks: ReturnType<typeof blocksOf>): readonly string[] =>
  blocks.map((it) => Buffer.concat(it.segments).toString('latin1'));

const messageWith = (signal: Signal, text: string): Message => {
  const attributes = [
    { key: text, value: { stringValue: text } },
    { key: 'array', value: { arrayValue: { values: [{ stringValue: text }] } } },
    { key: 'map', value: { kvlistValue: { values: [{ key: text, value: {} }] } } },
    // Behind the text lies ASCII here and something else there.
    { key: 'number', value: { doubleValue: -0.1 } },
  ];
  const ids = { traceId: new Uint8Array(16).fill(0xee), spanId: new Uint8Array(8).fill(0xff) };
  const times = { timeUnixNano: '1790000000000000000' };
  const resource = {
    attributes: [...attributes, { key: 'service.name', value: { stringValue: text } }],
  };
  const scope = { name: text, version: text, attributes };
  switch (signal) {
    case 'traces': {
      const span = {
        ...ids,
        ...{ name: text, traceState: text, attributes, status: { message: text, code: 2 } },
        startTimeUnixNano: '1790000000000000000',
        events: [{ name: text, attributes, ...times }],
        links: [{ ...ids, traceState: text, attributes }],
      };
      return {
        resourceSpans: [
          { resource, schemaUrl: text, scopeSpans: [{ scope, spans: [span, span] }] },
        ],
      };
    }
    case 'metrics': {
      const dataPoints = [
        { attributes, ...times, exemplars: [{ filteredAttributes: attributes }] },
      ];
      const metric = { name: text, description: text, unit: text, gauge: { dataPoints } };
      return {
        resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics: [metric, metric] }] }],
      };
    }
    case 'logs': {
      const body = { stringValue: text };
      const record = { severityText: text, eventName: text, body, attributes, ...times };
      return { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: [record, record] }] }] };
    }
  }
};

// biome-ignore format: one case per line.
const broken: readonly (readonly [title: string, raw: readonly number[], read: string])[] = [
  ['a lone continuation',     [0x80],                   '\uFFFD'],
  ['a start without its end', [0xc3],                   '\uFFFD'],
  ['Latin-1',                 [0xe9, 0x20, 0xff],       '\uFFFD \uFFFD'],
  ['an overlong slash',       [0xc0, 0xaf],             '\uFFFD\uFFFD'],
  ['half of a pair',          [0xed, 0xa0, 0x80],       '\uFFFD\uFFFD\uFFFD'],
  ['beyond Unicode',          [0xf5, 0x80, 0x80, 0x80], '\uFFFD\uFFFD\uFFFD\uFFFD'],
  ['a cut octopus',           [0xf0, 0x9f, 0x90],       '\uFFFD'],
];

for (const signal of ['traces', 'metrics', 'logs'] as const) {
  t.test(`what is not UTF-8 in ${signal} becomes U+FFFD, and nothing else changes`, (t) => {
    for (const [title, raw, read] of broken) {
      // Short, as long as a one-byte length allows, longer, and long enough for another way to copy.
      for (const padding of ['', 'x'.repeat(7), 'x'.repeat(123 - raw.length), 'x'.repeat(300)]) {
        const marked = `${padding}raw${'#'.repeat(raw.length)}`;
        const got = blocksOf(signal, encode(signal, messageWith(signal, marked), raw));
        const wanted = blocksOf(
          signal,
          encode(signal, messageWith(signal, `${padding}raw${read}`), []),
        );
        t.strictSame(bytesOf(got), bytesOf(wanted), `${title} behind ${padding.length} characters`);
      }
    }
    t.end();
  });
}

t.test('text that is UTF-8 arrives as it is, whatever lies behind it', (t) => {
  for (const text of ['é', '日本語', '🐙', '\u0000', '\uFEFFmarked', '\uFFFD', 'ü'.repeat(100)]) {
    const [block] = blocksOf('logs', encode('logs', messageWith('logs', text), []));
    const stored = Buffer.concat(block?.segments ?? []).toString();
    t.ok(stored.includes(`{"${text === '\u0000' ? '\\u0000' : text}":null}`), text);
  }
  t.end();
});

t.test('broken words are one word, the next time too', (t) => {
  const builder = createColumnBuilder('traces');
  const body = encode('traces', messageWith('traces', 'raw##'), [0xff, 0xfe]);
  builder.append('protobuf', body);
  const bytes = builder.bytes();
  builder.append('protobuf', body);
  const twice = builder.bytes();
  builder.append('protobuf', body);
  t.equal(builder.bytes() - twice, twice - bytes);
  t.end();
});
