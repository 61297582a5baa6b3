import { createColumnBuilder } from '../src/decode/builder.ts';
import type { ColumnBuilderOptions } from '../src/decode/builder-options.ts';
import { createTailTraces } from '../src/decode/tail-traces.ts';
import { defaultTraceTableLimits } from '../src/decode/trace-table.ts';
import { type RedactRule, redactPlaces } from '../src/model/redaction.ts';
import { tracesRequest } from '../test/support/otlp-proto.ts';
import { sampleTraces } from '../test/support/otlp-samples.ts';
import { seededRandom } from '../test/support/random.ts';
import { type Bench, type Contender, cpuMicrosPerItem, machineLine } from './measure.ts';

const redact = (
  name: string,
  match: RedactRule['match'],
  action: RedactRule['action'],
): RedactRule => ({ name, match, in: redactPlaces, action });

const drop = { kind: 'drop' } as const;
const mask = { kind: 'mask', keepChars: 0 } as const;
const hash = { kind: 'hash', salt: 'sixteen characters' } as const;
const keys = (...globs: readonly string[]) => ({ kind: 'key', globs }) as const;
const value = (pattern: string) => ({ kind: 'value', pattern }) as const;

const email = String.raw`[\w.+-]+@[\w-]+(?:\.[\w-]+)+`;
const card = String.raw`\b4\d{12}(?:\d{3})?\b`;

const variants: readonly (readonly [name: string, options: ColumnBuilderOptions])[] = [
  ['no rules', {}],
  [
    'ten keys that do not occur',
    { redact: [redact('k', keys(...Array.from({ length: 10 }, (_, it) => `x.${it}.*`)), drop)] },
  ],
  ['one key of every span dropped', { redact: [redact('k', keys('user_agent.*'), drop)] }],
  ['one key of every span hashed', { redact: [redact('k', keys('user.id'), hash)] }],
  ['one pattern', { redact: [redact('v', value(email), mask)] }],
  ['two patterns', { redact: [redact('v', value(email), mask), redact('w', value(card), mask)] }],
  ['a rule that keeps all', { sample: [{ name: 's', where: [], keep: 1, keepErrors: true }] }],
  [
    'a rule that keeps one in ten',
    { sample: [{ name: 's', where: [], keep: 0.1, keepErrors: true }] },
  ],
  [
    'a rule that asks for an attribute and keeps all',
    {
      sample: [
        { name: 's', where: [{ key: 'http.route', globs: ['*'] }], keep: 1, keepErrors: true },
      ],
    },
  ],
];

/** The three steps of sampling whole traces, here one for each span: the worst there is. */
const tailContenders = (bodies: readonly Uint8Array[]): readonly Contender[] => {
  const ignore = () => {};
  const traces = createTailTraces({
    nowMs: () => 0,
    redact: [],
    sample: [{ name: 's', where: [], keep: 0.1, keepErrors: true, tail: { waitMs: 1 } }],
    limits: defaultTraceTableLimits,
    shared: true,
    seed: 1,
    count: { noted: ignore, decided: ignore, leftOut: ignore, unsaid: ignore, unread: ignore },
  });
  const note = () => {
    const noted = traces.open();
    let items = 0;
    for (const body of bodies) items += traces.note(noted, 'protobuf', body).accepted;
    traces.gossip.take();
    return { noted, items };
  };
  const { noted, items } = note();
  const sheets = traces.decide(noted, 'waited');
  const builder = traces.createBuilder();
  const recall = () => {
    builder.recall(sheets);
    for (const body of bodies) builder.append('protobuf', body);
    builder.settle('forget');
    builder.finish();
    return items;
  };
  const decide = () => {
    traces.decide(noted, 'waited');
    return items;
  };
  return [
    { name: 'traces: note', work: () => note().items },
    { name: 'traces: decide', work: decide },
    { name: 'traces: store one in ten', work: recall },
  ];
};

/** What redaction and sampling rules cost per span that arrives. */
export const rulesBench: Bench = {
  run: async (quick) => {
    const random = seededRandom(1);
    const size = { resources: 1, scopes: 3, items: 171 };
    const bodies = Array.from({ length: quick ? 4 : 60 }, () =>
      tracesRequest.encode(tracesRequest.fromObject(sampleTraces(random, size))).finish(),
    );
    const contenders = variants.map(([name, options]) => {
      const builder = createColumnBuilder('traces', options);
      const work = () => {
        let items = 0;
        for (const body of bodies) {
          const acceptance = builder.append('protobuf', body);
          if (acceptance === 'full') throw new Error('the block is too small for this bench');
          items += acceptance.accepted;
        }
        builder.finish();
        return items;
      };
      return { name, work };
    });
    contenders.push(...tailContenders(bodies));
    const rounds = quick ? { warmUpMs: 30, rounds: 3 } : { warmUpMs: 1000, rounds: 15 };
    const [base = Number.NaN, ...others] = cpuMicrosPerItem(contenders, rounds);
    return [
      machineLine(),
      ...[base, ...others].map((micros, index) => {
        const change = `${(((micros - base) / base) * 100).toFixed(0)} %`;
        return `${contenders[index]?.name}: ${micros.toFixed(2)} µs/span | ${change} more`;
      }),
    ];
  },
};
