import t from 'tap';
import { noFacts, TailRules, type TraceFacts, whole } from '../../src/decode/tail-rules.ts';
import { encodeSheet, Verdicts } from '../../src/decode/tail-verdicts.ts';
import { TraceIdMap } from '../../src/decode/trace-id-map.ts';
import { TraceTable } from '../../src/decode/trace-table.ts';

const rules = new TailRules([
  { name: 'rest', where: [], keep: 0.1, keepErrors: true, tail: { waitMs: 1_000 } },
]);
const plain = rules.factsOf(0, false, 0);
const error = rules.factsOf(0, true, 0);

const idOf = (trace: number): DataView => {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint32(0, 0xffff_ffff);
  view.setUint32(12, trace);
  return view;
};

const tableOf = ({ tracesMax = 100, newsMax = 10, shared = true } = {}) => {
  const table = new TraceTable(rules, { limits: { tracesMax, newsMax }, seed: 7, shared });
  return {
    table,
    note: (trace: number, facts: TraceFacts) => table.note(idOf(trace), 0, facts),
    verdictOf: (trace: number) =>
      table.decide(0xffff_ffff, 0, 0, trace, (facts) => rules.judge(facts).verdict),
  };
};

t.test('numbers are found by their id, however many there are', async (t) => {
  const map = new TraceIdMap(1);
  const count = 20_000;
  for (let n = 1; n <= count; n += 1) {
    const slot = map.add(n, 0, ~n >>> 0, n * 7);
    map.values[slot] = n;
  }
  t.equal(map.size, count);
  for (let n = 1; n <= count; n += 1) {
    if (map.values[map.find(n, 0, ~n >>> 0, n * 7)] !== n) t.fail(`${n} is not there`);
  }
  t.equal(map.find(1, 0, 0, 7), -1);
  t.equal(map.add(1, 0, ~1 >>> 0, 7), map.find(1, 0, ~1 >>> 0, 7), 'one that is there stays');
  t.equal(map.size, count);
  map.clear();
  t.equal(map.find(1, 0, ~1 >>> 0, 7), -1);
});

t.test('a list has each trace once, whatever is told of it', async (t) => {
  const { table, note } = tableOf();
  for (const trace of [1, 2, 1, 1, 3, 2]) note(trace, plain);
  t.equal(table.list.traces, 3);
  t.strictSame(
    [...table.list.ids.subarray(0, 12)].filter((_, at) => at % 4 === 3),
    [1, 2, 3],
  );
  table.list = table.begin();
  note(2, error);
  t.equal(table.list.traces, 1, 'another list has it again');
});

t.test('what was touched is remembered while as many others come', async (t) => {
  const { table, note, verdictOf } = tableOf({ tracesMax: 100 });
  note(1, error);
  const { list } = table;
  for (let trace = 2; trace <= 49; trace += 1) note(trace, plain);
  t.notOk(table.isCrowded(list));
  note(50, plain);
  t.ok(table.isCrowded(list), 'half of it is a reason to decide');
  for (let trace = 51; trace <= 100; trace += 1) note(trace, plain);
  t.equal(verdictOf(1), whole);
  for (let trace = 101; trace <= 400; trace += 1) note(trace, plain);
  t.ok(table.size <= 200, `${table.size} traces`);
  t.equal(verdictOf(1), rules.judge(noFacts).verdict, 'nothing is known any more');
});

t.test('news are what is unusual, once, and others know it then', async (t) => {
  const one = tableOf();
  const other = tableOf();
  one.note(1, plain);
  t.strictSame(one.table.takeNews(), { news: undefined, unsaid: 0 });
  one.note(2, error);
  one.note(2, error);
  one.note(2, plain);
  const { news = new Uint32Array() } = one.table.takeNews();
  t.equal(news.length, 5);
  other.note(1, plain);
  other.note(2, plain);
  other.table.hear(news);
  t.equal(other.verdictOf(1), 1);
  t.equal(other.verdictOf(2), whole);
  t.equal(other.table.takeNews().news, undefined, 'what was heard is not told again');
  const late = tableOf();
  late.table.hear(one.table.allNews());
  late.note(2, plain);
  t.equal(late.verdictOf(2), whole);
});

t.test('beyond the limit news are counted and not told', async (t) => {
  const { table, note } = tableOf({ newsMax: 3 });
  for (let trace = 1; trace <= 5; trace += 1) note(trace, error);
  const { news, unsaid } = table.takeNews();
  t.equal(news?.length, 15);
  t.equal(unsaid, 2);
  const alone = tableOf({ shared: false });
  alone.note(1, error);
  t.strictSame(alone.table.takeNews(), { news: undefined, unsaid: 0 });
});

const sheet = (entries: readonly (readonly [trace: number, verdict: number])[]): Uint8Array =>
  encodeSheet(1, [1, 0.25, 0.5], {
    count: entries.length,
    ids: Uint32Array.from(entries.flatMap(([trace]) => [0xffff_ffff, 0, 0, trace])),
    verdicts: Uint8Array.from(entries.map(([, verdict]) => verdict)),
  });

const read = (verdicts: Verdicts) => [1, 2, 3].map((trace) => verdicts.of(idOf(trace), 0));

t.test('sheets give back what was decided', async (t) => {
  const verdicts = new Verdicts(3);
  t.notOk(verdicts.isKnown);
  t.ok(
    verdicts.load(
      sheet([
        [2, whole],
        [3, 2],
      ]),
    ),
  );
  t.strictSame([verdicts.isKnown, verdicts.usual, verdicts.shares], [true, 1, [1, 0.25, 0.5]]);
  t.strictSame(read(verdicts), [1, whole, 2]);
  t.ok(
    verdicts.load(
      Buffer.concat([
        sheet([[1, whole]]),
        sheet([]),
        sheet([
          [1, 2],
          [2, 2],
        ]),
      ]),
    ),
  );
  t.strictSame(read(verdicts), [whole, 2, 1], 'joined; what one keeps is kept');
  t.ok(verdicts.load(undefined));
  t.notOk(verdicts.isKnown);
});

t.test('a damaged sheet is recognised', async (t) => {
  const good = sheet([[2, whole]]);
  for (const at of [0, 8, 12, 20, good.length - 1]) {
    const bad = Uint8Array.from(good);
    bad[at] = (bad[at] ?? 0) ^ 1;
    const verdicts = new Verdicts(3);
    t.notOk(verdicts.load(bad), `byte ${at}`);
    t.notOk(verdicts.isKnown);
  }
  t.notOk(new Verdicts(3).load(good.subarray(0, good.length - 1)));
  t.ok(new Verdicts(3).load(new Uint8Array()), 'nothing was decided');
});
