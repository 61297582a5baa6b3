import t from 'tap';
import { dueStep, escalationAfter, firstNotify } from '../../src/decide/escalate.ts';
import type { EscalationPolicy } from '../../src/model/alerting.ts';
import type { EscalationState } from '../../src/model/delivery.ts';

const policy = (repeat: number, ...levels: readonly [afterMs: number, name: string][]) =>
  ({
    name: 'payments',
    repeat,
    levels: levels.map(([afterMs, name]) => ({ afterMs, notify: [name] })),
  }) satisfies EscalationPolicy;

const immediate = policy(1, [0, 'team'], [10, 'pager'], [20, 'boss']);
const delayed = policy(0, [10, 'pager'], [20, 'boss']);

const waiting = (round: number, level: number, dueAtMs: number): EscalationState => ({
  kind: 'waiting',
  policy: 'payments',
  round,
  level,
  dueAtMs,
});

t.test('a first level without delay belongs to the first notification', async (t) => {
  t.strictSame(firstNotify(immediate), ['team']);
  t.strictSame(firstNotify(delayed), []);
});

// biome-ignore format: one case per line.
const chain: readonly (readonly [name: string, policy: EscalationPolicy, round: number, level: number, nowMs: number, expected: EscalationState])[] = [
  ['after the first notification level 1 waits',          immediate,               0, 0, 1_000, waiting(0, 1, 1_010)],
  ['each delay counts from the level before',             immediate,               0, 1, 1_010, waiting(0, 2, 1_030)],
  ['the next round pauses as before its last level',      immediate,               0, 2, 1_030, waiting(1, 0, 1_050)],
  ['in the next round level 0 is told again',             immediate,               1, 0, 1_050, waiting(1, 1, 1_060)],
  ['with a delayed first level, it is level 1',           delayed,                 0, 0, 1_000, waiting(0, 1, 1_010)],
  ['and its delay stands before the next round',          delayed,                 0, 2, 1_030, waiting(1, 1, 1_040)],
  ['levels that all come at once pause for a minute',     policy(1, [0, 'team']),  0, 0, 1_000, waiting(1, 0, 61_000)],
  ['a policy without levels has nothing to wait for',     policy(1),               0, 0, 1_000, { kind: 'over', reason: 'given-up' }],
];

for (const [name, it, round, level, nowMs, expected] of chain) {
  t.test(name, async (t) => {
    t.strictSame(escalationAfter(it, { round, level }, nowMs), expected);
  });
}

// biome-ignore format: one case per line.
const due: readonly (readonly [name: string, policy: EscalationPolicy, state: EscalationState, nowMs: number, expected: string | undefined])[] = [
  ['nothing is due before its time',                    immediate, waiting(0, 1, 10), 9,  undefined],
  ['the level is due at its time',                      immediate, waiting(0, 1, 10), 10, 'pager'],
  ['and after it',                                      immediate, waiting(0, 2, 10), 99, 'boss'],
  ['the repeated round is due too',                     immediate, waiting(1, 0, 10), 10, 'team'],
  ['after the last round the policy gives up',          immediate, waiting(2, 0, 10), 10, 'given-up'],
  ['a policy that lost the level gives up',             delayed,   waiting(0, 7, 10), 10, 'given-up'],
  ['what is over stays over',                           immediate, { kind: 'over', reason: 'acknowledged' }, 99, undefined],
];

for (const [name, it, state, nowMs, expected] of due) {
  t.test(name, async (t) => {
    const step = dueStep(it, state, nowMs);
    t.equal(typeof step === 'object' ? step.notify[0] : step, expected);
  });
}
