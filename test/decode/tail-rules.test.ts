import t from 'tap';
import {
  mergedFacts,
  newsOf,
  noFacts,
  TailRules,
  type TraceFacts,
  type Verdict,
  type VerdictReason,
  whole,
  withVerdict,
} from '../../src/decode/tail-rules.ts';
import type { SampleRule } from '../../src/model/sampling.ts';

const tail = { waitMs: 1_000 };
const where = [{ key: 'service.name', globs: ['a'] }];

/** The second one is a rule of head sampling: it decides about spans, and about no trace. */
const rules = new TailRules([
  { name: 'checkout', where, keep: 0.5, keepErrors: true, keepSlowerThanMs: 200, tail },
  { name: 'probes', where, keep: 0, keepErrors: false },
  { name: 'errors do not matter', where, keep: 0.2, keepErrors: false, tail },
  { name: 'rest', where: [], keep: 0.1, keepErrors: true, keepSlowerThanMs: 500, tail },
] satisfies readonly SampleRule[]);

const told = (rule: number, status: 'ok' | 'error' = 'ok', lastedMs = 1): TraceFacts =>
  rules.factsOf(rule, status === 'error', lastedMs * 1e6);

const all = (first: TraceFacts, ...others: readonly TraceFacts[]): TraceFacts =>
  others.reduce(mergedFacts, first);

// biome-ignore format: one case per line.
const table: readonly (readonly [name: string, facts: TraceFacts, verdict: Verdict, reason: VerdictReason])[] = [
  ['of a trace that no rule fits all is kept',           noFacts,                               whole, 'no-rule'],
  ['also when it has an error',                          told(-1, 'error'),                     whole, 'no-rule'],
  ['the rule of one span decides about all',             all(told(-1), told(3), told(-1)),      4,     'share'],
  ['the first rule that fits a span decides',            all(told(3), told(0), told(2)),        1,     'share'],
  ['an error in any span keeps all',                     all(told(3), told(-1, 'error')),       whole, 'error'],
  ['so does a slow one',                                 all(told(3, 'ok', 501), told(3)),      whole, 'slow'],
  ['slower than the limit, not as slow',                 told(3, 'ok', 500),                    4,     'share'],
  ['by the limit of the rule that decides',              told(3, 'ok', 300),                    4,     'share'],
  ['which may be the shorter one',                       all(told(3, 'ok', 300), told(0)),      whole, 'slow'],
  ['an error counts more than time',                     told(0, 'error', 300),                 whole, 'error'],
  ['a rule without limits is not asked about them',      told(2, 'error', 9_000),               3,     'share'],
  ['a clock that went back is not slow',                 told(3, 'ok', -5),                     4,     'share'],
  ['once decided a share stays',                         all(withVerdict(told(3), 4), told(0)), 4,     'share'],
  ['but a late error keeps what follows',                all(withVerdict(told(3), 4), told(3, 'error')), whole, 'error'],
  ['what is kept stays kept',                            all(withVerdict(told(3, 'error'), whole), told(2)), whole, 'share'],
  ['as does what another thread keeps',                  all(told(3), withVerdict(noFacts, whole)), whole, 'share'],
  ['the share another thread found is found here',       all(told(3), withVerdict(told(3), 2)), 4, 'share'],
];

for (const [name, facts, verdict, reason] of table) {
  t.test(name, async (t) => {
    t.strictSame(rules.judge(facts), { verdict, reason });
  });
}

t.test('shares have the numbers of their verdicts', async (t) => {
  t.strictSame(rules.shares, [1, 0.5, 0, 0.2, 0.1]);
  t.equal(rules.usualVerdict, 4, 'most traces are as the rule for the rest says');
  const without = new TailRules([{ name: 'a', where, keep: 0.5, keepErrors: true, tail }]);
  t.equal(without.usualVerdict, whole);
});

t.test('others are told what they cannot know', async (t) => {
  t.equal(newsOf(told(3)), rules.usual, 'nothing of a usual trace');
  t.equal(newsOf(withVerdict(told(3), 4)), rules.usual, 'nor of its share');
  t.not(newsOf(told(3, 'error')), rules.usual);
  t.equal(newsOf(withVerdict(noFacts, whole)), withVerdict(noFacts, whole));
});
