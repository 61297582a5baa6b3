import type { SampleRule } from '../model/sampling.ts';

/**
 * What is known of a trace, in 32 bits: the first rule that fits a span of it (8), whether a span is an
 * error (1), how many of the rules' durations one exceeds (7), and what was decided (8).
 */
export type TraceFacts = number;

const noRule = 255;
const errorBit = 1 << 8;
const levelShift = 9;
const levelMask = 127;
const decidedShift = 16;
const knownMask = 0xffff;
const decidedMask = 255 << decidedShift;

/** Nothing is known. */
export const noFacts: TraceFacts = noRule;

/** A verdict: the share of a rule, whose number it is less one… */
export type Verdict = number;
/** …or all of it. */
export const whole: Verdict = 0;

/** Why a verdict is what it is. `no-rule`: none that decides about traces fits a span of it. */
export type VerdictReason = 'error' | 'slow' | 'no-rule' | 'share';

/** Two threads' knowledge of a trace; what the first has decided stays, but for what the other keeps. */
export const mergedFacts = (one: TraceFacts, other: TraceFacts): TraceFacts => {
  const rule = Math.min(one & noRule, other & noRule);
  const error = (one | other) & errorBit;
  const level = Math.max(levelOf(one), levelOf(other));
  const known = rule | error | (level << levelShift);
  return decidedOf(other) === whole ? withVerdict(known, whole) : known | (one & decidedMask);
};

/** What others should know of a trace: not its share, which they find by themselves. */
export const newsOf = (facts: TraceFacts): TraceFacts =>
  decidedOf(facts) === whole ? facts : facts & knownMask;

const levelOf = (facts: TraceFacts): number => (facts >>> levelShift) & levelMask;

const decidedOf = (facts: TraceFacts): Verdict | undefined => {
  const decided = (facts >>> decidedShift) & 255;
  return decided === 0 ? undefined : decided - 1;
};

export const withVerdict = (facts: TraceFacts, verdict: Verdict): TraceFacts =>
  (facts & knownMask) | ((verdict + 1) << decidedShift);

/** The rules that decide about traces, ready to be asked. */
export class TailRules {
  /** Of all spans with each verdict, by its number: what is kept. */
  readonly shares: readonly number[];
  /** What most traces are like: nothing has to be said of them. */
  readonly usual: TraceFacts;
  readonly usualVerdict: Verdict;
  readonly #rules: readonly SampleRule[];
  /** Distinct, ascending. */
  readonly #durationsNs: readonly number[];

  constructor(rules: readonly SampleRule[]) {
    this.#rules = rules;
    this.shares = [1, ...rules.map(({ keep }) => keep)];
    const durations = rules.flatMap((it) => (it.tail ? [slowerThanNs(it)] : []));
    this.#durationsNs = [...new Set(durations)]
      .filter((it) => it !== Number.POSITIVE_INFINITY)
      .toSorted((a, b) => a - b);
    const rest = rules.findIndex(({ tail, where }) => tail && where.length === 0);
    this.usual = rest < 0 ? noFacts : rest;
    this.usualVerdict = this.judge(this.usual).verdict;
  }

  /** What one span tells; `rule` is the number of the rule that fits it, -1 for none. */
  factsOf(rule: number, isError: boolean, lastedNs: number): TraceFacts {
    let level = 0;
    for (const duration of this.#durationsNs) {
      if (lastedNs <= duration) break;
      level += 1;
    }
    return (rule < 0 ? noRule : rule) | (isError ? errorBit : 0) | (level << levelShift);
  }

  /**
   * What becomes of a trace. Once decided its share stays, as its spans may have been left out by it;
   * but an error or a slow span that comes late keeps what comes after it.
   */
  judge(facts: TraceFacts): { readonly verdict: Verdict; readonly reason: VerdictReason } {
    const index = facts & noRule;
    const rule = this.#rules[index];
    if (!rule) return { verdict: whole, reason: 'no-rule' };
    if (rule.keepErrors && (facts & errorBit) !== 0) return { verdict: whole, reason: 'error' };
    const durations = this.#durationsNs;
    const slow = durations.indexOf(slowerThanNs(rule));
    if (slow >= 0 && levelOf(facts) > slow) return { verdict: whole, reason: 'slow' };
    return { verdict: decidedOf(facts) ?? index + 1, reason: 'share' };
  }
}

const slowerThanNs = ({ keepSlowerThanMs = Number.POSITIVE_INFINITY }: SampleRule): number =>
  keepSlowerThanMs * 1e6;
