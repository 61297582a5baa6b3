import t, { type Test } from 'tap';
import { createTailTraces } from '../../src/decode/tail-traces.ts';
import type { SampleRule } from '../../src/model/sampling.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { tracesRequest } from '../support/otlp-proto.ts';
import { readBlock } from '../support/read-block.ts';

const clickhouse = await startClickHouse(t);
const tail = { waitMs: 1_000 };

interface Sent {
  /** Its first letter is that of its trace; capitals are among the upper half of all. */
  readonly name: string;
  readonly isError?: boolean;
  readonly lastedMs?: number;
  readonly state?: string;
}

const requestOf = (spans: readonly Sent[], service = ''): Uint8Array => {
  const message = tracesRequest.fromObject({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
        scopeSpans: [
          {
            spans: spans.map(({ name, isError = false, lastedMs = 1, state = '' }, index) => ({
              traceId: idOf(name.charAt(0)),
              spanId: Buffer.alloc(8, index + 1),
              traceState: state,
              name,
              startTimeUnixNano: '1700000000000000000',
              endTimeUnixNano: `${1_700_000_000_000 + lastedMs}000000`,
              status: { code: isError ? 2 : 0 },
            })),
          },
        ],
      },
    ],
  });
  return tracesRequest.encode(message).finish();
};

const idOf = (letter: string): Buffer => {
  const id = Buffer.alloc(16, letter.toLowerCase());
  id[9] = letter === letter.toUpperCase() ? 0xc0 : 0x40;
  return id;
};

const open = (sample: readonly SampleRule[]) => {
  const deeds = { before: sample.map(() => 0), after: sample.map(() => 0) };
  const add = (to: number[], more: readonly number[]) =>
    more.forEach((it, index) => (to[index] = (to[index] ?? 0) + it));
  const traces = createTailTraces({
    nowMs: () => 1_700_000_000_000,
    redact: [],
    sample,
    limits: { tracesMax: 1_000, newsMax: 10 },
    shared: false,
    seed: 1,
    count: {
      noted: ({ sampledOut }) => add(deeds.before, sampledOut),
      decided: () => {},
      leftOut: (sampledOut) => add(deeds.after, sampledOut),
      unsaid: () => {},
      unread: () => {},
    },
  });
  return { traces, deeds };
};

/** What is stored of requests that waited together: names, and how many each stands for. */
const stored = async (
  t: Test,
  sample: readonly SampleRule[],
  requests: readonly Uint8Array[],
  how: 'decided' | 'undecided' = 'decided',
) => {
  const { traces, deeds } = open(sample);
  const noted = traces.open();
  const answers = requests.map((it) => traces.note(noted, 'protobuf', it));
  const builder = traces.createBuilder();
  builder.recall(how === 'decided' ? traces.decide(noted, 'waited') : undefined);
  for (const it of requests) t.not(builder.append('protobuf', it), 'full');
  builder.settle('count');
  const [block] = builder.finish();
  const rows = block
    ? await readBlock<{ SpanName: string; AdjustedCount: number }>(clickhouse, block, [
        'SpanName',
        'AdjustedCount',
      ])
    : [];
  const accepted = answers.reduce((sum, it) => sum + it.accepted, 0);
  const left = [...deeds.before, ...deeds.after].reduce((sum, it) => sum + it, 0);
  t.equal(rows.length + left, accepted, 'every accepted span is stored or counted');
  return { text: rows.map((it) => `${it.SpanName}:${it.AdjustedCount}`).join(' '), answers, deeds };
};

const half: SampleRule = { name: 'half', where: [], keep: 0.5, keepErrors: true, tail };

t.test('traces are kept whole for themselves, or as a share', async (t) => {
  const { text } = await stored(
    t,
    [{ ...half, keepSlowerThanMs: 100 }],
    [
      requestOf([{ name: 'a1' }, { name: 'B1' }, { name: 'c1' }, { name: 'd1' }]),
      requestOf([{ name: 'c2', isError: true }, { name: 'd2', lastedMs: 101 }, { name: 'B2' }]),
      requestOf([{ name: 'a2', lastedMs: 100 }, { name: 'c3' }]),
    ],
  );
  t.equal(text, 'B1:2 c1:1 d1:1 c2:1 d2:1 B2:2 c3:1');
});

t.test('what their senders left out is counted too', async (t) => {
  const state = 'ot=th:8';
  const { text } = await stored(
    t,
    [half],
    [
      requestOf([
        { name: 'A1', state },
        { name: 'b1', state },
        { name: 'b2', state, isError: true },
      ]),
    ],
  );
  t.equal(text, 'A1:4 b1:2 b2:2');
});

t.test('spans by which one rule decides at once, and by another later', async (t) => {
  const probes: SampleRule = {
    name: 'probes',
    where: [{ key: 'name', globs: ['?probe'] }],
    keep: 0,
    keepErrors: true,
  };
  const sample = [probes, half];
  const { text, answers, deeds } = await stored(t, sample, [
    requestOf([{ name: 'Aprobe' }, { name: 'a1' }, { name: 'bprobe', isError: true }]),
    requestOf([{ name: 'b2' }, { name: 'C1' }]),
    requestOf([{ name: 'cprobe' }]),
  ]);
  t.equal(text, 'bprobe:1 b2:1 C1:2');
  t.match(answers, [
    { accepted: 3, sampledOut: 1 },
    { accepted: 2 },
    { accepted: 1, sampledOut: 1 },
  ]);
  t.strictSame(deeds, { before: [2, 0], after: [0, 1] });
});

t.test(
  'of services that no rule names all is kept, unless the trace has one of those',
  async (t) => {
    const shop: SampleRule = {
      ...half,
      name: 'shop',
      where: [{ key: 'service.name', globs: ['shop'] }],
      keep: 0,
    };
    const { text } = await stored(
      t,
      [shop],
      [requestOf([{ name: 'a1' }, { name: 'b1' }], 'bank'), requestOf([{ name: 'a2' }], 'shop')],
    );
    t.equal(text, 'b1:1');
  },
);

t.test('without decisions each span is judged by itself', async (t) => {
  const { text } = await stored(
    t,
    [half],
    [requestOf([{ name: 'a1' }, { name: 'a2', isError: true }, { name: 'B1' }])],
    'undecided',
  );
  t.equal(text, 'a2:1 B1:2');
});

t.test('requests that are refused are refused at once', async (t) => {
  const { traces } = open([half]);
  const noted = traces.open();
  t.throws(() => traces.note(noted, 'protobuf', Buffer.from('nothing')), {
    code: 'ERR_OTLP_MALFORMED',
  });
  t.throws(() => traces.note(noted, 'json', Buffer.from('{')), { code: 'ERR_OTLP_MALFORMED' });
  const answer = traces.note(noted, 'json', Buffer.from('{"resourceSpans":[]}'));
  t.match(answer, { accepted: 0, rejected: 0 });
});
