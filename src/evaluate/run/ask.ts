import type { Clock } from '../../lib/clock.ts';
import { Fault } from '../../lib/fault.ts';
import type { Labels } from '../../model/matcher.ts';
import type { Query } from '../../model/query.ts';
import { instancesOf } from '../rules/instances.ts';
import type { CompiledRule, CompiledSignal, SignalRow, SignalValues } from '../rules/plan.ts';
import { fingerprintOf } from './fingerprint.ts';

/** One thing that a rule's signals told of, with the identity its alert has or would have. */
export interface Seen {
  readonly fingerprint: string;
  readonly source: Labels;
  readonly labels: Labels;
  readonly values: SignalValues;
}

/** What a rule's queries came to. `empty`: they answered, with nothing at all. */
export type Outcome =
  | { readonly kind: 'answered'; readonly seen: readonly Seen[] }
  | { readonly kind: 'empty' }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface AskOptions {
  readonly query: Query;
  readonly clock: Clock;
  /** For each signal; ClickHouse is told the same. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What we wait beyond the engine's own timeout before we give a query up. */
const graceMs = 2_000;

/**
 * Runs a rule's signals as of `atMs` and joins what they answer. `known`: labels of instances that
 * are remembered. Never rejects: failures, among them two instances with one identity, are outcomes.
 */
export const askSignals = async (
  rule: CompiledRule,
  known: readonly Labels[],
  atMs: number,
  options: AskOptions,
): Promise<Outcome> => {
  try {
    const answers = await Promise.all(
      Object.entries(rule.signals).map(
        async ([name, signal]) => [name, await askOne(signal, atMs, options)] as const,
      ),
    );
    const instances = instancesOf(rule, Object.fromEntries(answers), known);
    const seen = instances.map((it): Seen => {
      const labels = rule.labels(it);
      return { fingerprint: fingerprintOf(labels), source: it.labels, labels, values: it.values };
    });
    refuseDuplicates(seen);
    return seen.length > 0 ? { kind: 'answered', seen } : { kind: 'empty' };
  } catch (error) {
    return { kind: 'failed', error };
  }
};

const askOne = async (
  signal: CompiledSignal,
  atMs: number,
  options: AskOptions,
): Promise<readonly SignalRow[]> => {
  const { timeoutMs } = options;
  const stop = new AbortController();
  const rows = options.query<SignalRow>(signal.sql, {
    parameters: signal.parameters(atMs),
    settings: signal.settings,
    timeoutMs,
    signal: AbortSignal.any([options.signal, stop.signal]),
  });
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = options.clock.after(timeoutMs + graceMs, () => {
      const text = `no answer within ${timeoutMs} ms`;
      reject(new Fault('ERR_RULE_TIMEOUT', text, { remedy: 'retry' }));
      stop.abort();
    });
  });
  try {
    return await Promise.race([rows, late]);
  } finally {
    cancel();
    rows.catch(() => {});
  }
};

const refuseDuplicates = (seen: readonly Seen[]): void => {
  const first = new Map<string, Seen>();
  for (const it of seen) {
    const other = first.get(it.fingerprint);
    if (other) {
      const both = `${JSON.stringify(other.source)} and ${JSON.stringify(it.source)}`;
      const text = `the rule's labels make one alert of ${both}: leave the differing label in`;
      throw new Fault('ERR_RULE_DUPLICATE', text, { remedy: 'reject' });
    }
    first.set(it.fingerprint, it);
  }
};
