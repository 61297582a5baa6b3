import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { main as compile } from 'assemblyscript/asc';
import t from 'tap';
import { mutated } from '../../bench/fuzz/mutate.ts';
import type { ColumnBuilderOptions } from '../../src/decode/builder-options.ts';
import type { Walked } from '../../src/decode/span-machine.ts';
import type { Random } from '../../src/lib/backoff.ts';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { type Message, sampleTraces } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';
import { encodeProtobuf } from '../support/same-bytes.ts';

const folder = 'src/decode/wasm';
const oddTexts = ['ü', '日本語', '\u{1f600}', '', 'x'.repeat(300), 'é'.repeat(80), '"\\\n'];
const oddNumbers = [Number.NaN, Infinity, -0, 0.1 + 0.2, 12.345, 1e15, -3, 123456789012.5, 1e300];

const pickFrom =
  (random: Random) =>
  <T>(list: readonly T[]): T => {
    const picked = list[Math.floor(random() * list.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  };

/** Values of all kinds, lists and maps among them. */
const value = (random: Random, depth = 0): Message => {
  const pick = pickFrom(random);
  const some = (of: () => Message) => Array.from({ length: Math.floor(random() * 4) }, of);
  const kinds: readonly (() => Message)[] = [
    () => ({ intValue: String(BigInt.asIntN(64, BigInt(Math.floor(random() * 2 ** 53)) ** 2n)) }),
    () => ({ intValue: String(Math.floor((random() - 0.5) * 2_000)) }),
    () => ({ doubleValue: pick([random(), -random() * 1e9, ...oddNumbers]) }),
    () => ({ bytesValue: Buffer.from(pick(oddTexts)) }),
    () => ({}),
    () => ({ boolValue: random() < 0.5 }),
    () => ({ stringValue: pick(oddTexts) + String(Math.floor(random() * 50)) }),
    () => ({ arrayValue: { values: some(() => ({ stringValue: pick(['a', 'b c', '']) })) } }),
    () => ({ arrayValue: { values: some(() => value(random, depth + 1)) } }),
    () => ({
      kvlistValue: {
        values: some(() => ({ key: pick(oddTexts), value: value(random, depth + 1) })),
      },
    }),
  ];
  return pick(depth < 4 ? kinds : kinds.slice(0, 7))();
};

interface Spiced {
  readonly resourceSpans: readonly {
    readonly resource: { attributes: Message[] };
    readonly scopeSpans: readonly {
      readonly scope: Record<string, unknown>;
      readonly spans: readonly (Record<string, unknown> & { attributes: Message[] })[];
      schemaUrl?: string;
    }[];
  }[];
}

/** Usual requests with something unusual in most of them. */
const spiced = (random: Random): Message => {
  const pick = pickFrom(random);
  const size = {
    resources: 1 + Math.floor(random() * 3),
    scopes: 2,
    items: 1 + Math.floor(random() * 20),
  };
  const message = structuredClone(sampleTraces(random, size)) as unknown as Spiced;
  for (const { resource, scopeSpans } of message.resourceSpans) {
    if (random() < 0.5)
      resource.attributes.push({ key: `z${pick(oddTexts)}`, value: value(random) });
    for (const it of scopeSpans) {
      if (random() < 0.3) {
        it.scope['attributes'] = [{ key: 'k', value: value(random) }];
        it.scope['droppedAttributesCount'] = 3;
        it.schemaUrl = 'u';
      }
      for (const span of it.spans) {
        for (const id of ['traceId', 'spanId', 'parentSpanId']) {
          span[id] = Buffer.from(span[id] as Uint8Array);
        }
        const key = pick(oddTexts);
        if (random() < 0.3) span.attributes.push({ key, value: value(random) });
        if (random() < 0.05) span['name'] = `${pick(oddTexts)}n`;
        if (random() < 0.05) span['droppedLinksCount'] = 4e9;
        if (random() < 0.05) span['traceState'] = pick(['a=b', 'ot=th:8', 'ot=th:c;rv:zz']);
        if (random() < 0.002) span['traceId'] = Buffer.alloc(pick([16, 3]));
        if (random() < 0.01) span['parentSpanId'] = Buffer.alloc(pick([8, 3, 0]), pick([0, 1]));
        if (random() < 0.01) span['startTimeUnixNano'] = pick(['0', '1900000000000000000']);
        if (random() < 0.002) span['startTimeUnixNano'] = '18446744073709551615';
      }
    }
  }
  return message as unknown as Message;
};

/** Counts requests by their walker. */
const watch = () => {
  const counts = { machine: 0, both: 0, typescript: 0, trapped: 0 };
  return { counts, walked: (by: Walked) => void (counts[by] += 1) };
};

t.test('the machine code is what its source compiles to', async (t) => {
  let built: Uint8Array | undefined;
  const { error } = await compile(['--config', `${folder}/asconfig.json`], {
    writeFile: (_name, contents) => {
      built = Buffer.from(contents as Uint8Array);
    },
  });
  t.equal(error, null);
  const stored = readFileSync(`${folder}/walker.wasm`);
  t.ok(built && stored.equals(built), 'else: npm run build:walker');
});

const seed = Number(process.env['TOCSIN_FUZZ_SEED'] ?? 1);

const settings: Readonly<Record<string, ColumnBuilderOptions>> = {
  'in an ample arena': {},
  'in a tight arena': { arenaBytesMax: 1.8e6 },
  'by turns': { machine: 'likely' },
};
for (const [where, options] of Object.entries(settings)) {
  t.test(`both walkers write the same and refuse the same ${where}`, async (t) => {
    const random = seededRandom(seed);
    const { counts, walked } = watch();
    const builder = createColumnBuilder('traces', { nowMs: () => 1.77e12, walked, ...options });
    let warned = 0;
    const endings = { taken: 0, partly: 0, full: 0, refused: 0 };
    let body = encodeProtobuf('traces', spiced(random));
    for (let number = 0; number < 1_500; number += 1) {
      const before = body;
      body = encodeProtobuf('traces', spiced(random));
      const sent = random() < 0.4 ? mutated(body, before, random) : body;
      try {
        const acceptance = builder.append('protobuf', sent);
        if (acceptance === 'full') endings.full += 1;
        else endings[acceptance.rejected > 0 ? 'partly' : 'taken'] += 1;
        if (acceptance !== 'full' && acceptance.message.includes('warning')) warned += 1;
        if (acceptance === 'full' || random() < 0.02) builder.finish();
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_OTLP_MALFORMED') throw error;
        endings.refused += 1;
      }
    }
    builder.finish();
    t.comment(JSON.stringify({ ...endings, ...counts }));
    t.ok(counts.machine > 150, `the machine took ${counts.machine}`);
    t.ok(counts.both > 100, `it left ${counts.both}`);
    t.equal(counts.typescript > 100, options.machine === 'likely');
    t.equal(counts.trapped, 0);
    t.ok(warned > 100, `${warned} were warned of`);
    t.ok(endings.refused > 100 && endings.partly > 10);
    t.equal(endings.full > 0, 'arenaBytesMax' in options);
  });
}

t.test('whether a request fits does not hang on the machine', async (t) => {
  const random = seededRandom(3);
  const body = encodeProtobuf(
    'traces',
    sampleTraces(random, { resources: 1, scopes: 1, items: 200 }),
  );
  let tried = 0;
  for (let arenaBytesMax = 200_000; arenaBytesMax < 1_000_000; arenaBytesMax += 5_000) {
    // Throws when the oracle takes what this one refuses, or the other way round.
    const builder = createColumnBuilder('traces', { arenaBytesMax });
    try {
      t.match(builder.append('protobuf', body), { accepted: 200 });
      tried += 1;
    } catch (error) {
      t.match(error, { code: 'ERR_OTLP_TOO_LARGE' });
    }
  }
  t.ok(tried > 30 && tried < 130, `${tried} arenas were large enough`);
});

const usual = encodeProtobuf(
  'traces',
  sampleTraces(seededRandom(5), { resources: 1, scopes: 1, items: 3 }),
);
/** Has a span to reject. */
const unusual = encodeProtobuf('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{}] }] }] });

t.test('the more requests the machine leaves, the fewer it is offered', async (t) => {
  const walks: Walked[] = [];
  const walked = (by: Walked) => void walks.push(by);
  const builder = createColumnBuilder('traces', { machine: 'likely', walked });
  const walksOf = (body: Uint8Array, count: number) => {
    walks.length = 0;
    for (let sent = 0; sent < count; sent += 1) builder.append('protobuf', body);
    return walks.map((it) => it[0]).join('');
  };
  t.equal(walksOf(usual, 3), 'mmm');
  t.equal(walksOf(unusual, 12), 'btbttbttttbt');
  t.equal(walksOf(usual, 9), 'tttttttmm', 'one that it takes begins anew');
  t.equal(walksOf(unusual, 5), 'btbtt');
  t.equal(walksOf(usual, 2), 'mm');
  t.equal(
    Math.max(
      ...walksOf(unusual, 600)
        .split('b')
        .map((it) => it.length),
    ),
    64,
  );
});

t.test('after a mistake of the machine all is walked by TypeScript', async (t) => {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Instance: unknown; readonly RuntimeError: new () => Error };
  };
  const trap = () => {
    throw new WebAssembly.RuntimeError();
  };
  const instance = () => ({
    exports: { walk: trap, begin: () => {}, learn: () => {}, forget: trap },
  });
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function () {
    return instance();
  };
  t.teardown(() => (WebAssembly.Instance = Instance));
  const { counts, walked } = watch();
  const builder = createColumnBuilder('traces', { walked });
  t.match(builder.append('protobuf', usual), { accepted: 3 });
  WebAssembly.Instance = Instance;
  t.match(builder.append('protobuf', unusual), { accepted: 0, rejected: 1 });
  t.match(builder.append('protobuf', usual), { accepted: 3 });
  builder.finish();
  t.strictSame(counts, { machine: 0, both: 0, typescript: 0, trapped: 3 });
});

t.test('memory of large blocks is given back', async (t) => {
  const large = encodeProtobuf('traces', {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              { traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2), name: 'x'.repeat(5e6) },
            ],
          },
        ],
      },
    ],
  });
  const builder = createColumnBuilder('traces', { arenaBytesKept: 2 ** 20 });
  const resident = () => process.memoryUsage().rss / 2 ** 20;
  let early = 0;
  for (let round = 0; round < 40; round += 1) {
    t.match(builder.append('protobuf', large), { accepted: 1 });
    builder.finish();
    if (round === 10) early = resident();
  }
  t.ok(resident() < early + 150, `${early} MiB, then ${resident()} MiB`);
});

t.test('on a processor without SIMD TypeScript walks', async (t) => {
  const program = `
    import { createColumnBuilder } from './src/decode/builder.ts';
    import { hasMachineCode } from './src/decode/machine-code.ts';
    const body = Buffer.from(process.argv[1], 'base64');
    const { accepted } = createColumnBuilder('traces').append('protobuf', body);
    console.log(accepted, hasMachineCode);
  `;
  const body = encodeProtobuf(
    'traces',
    sampleTraces(seededRandom(4), { resources: 1, scopes: 1, items: 7 }),
  );
  const args = ['--no-enable-sse4-1', '--input-type=module-typescript', '-e', program];
  const said = execFileSync(process.execPath, [...args, Buffer.from(body).toString('base64')], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  t.equal(said, `7 ${process.arch !== 'x64'}\n`);
});
