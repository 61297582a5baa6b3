import { createTailTraces, type SharedTailTraces } from '../decode/tail-traces.ts';
import { defaultTraceTableLimits } from '../decode/trace-table.ts';
import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Meter } from '../lib/meter.ts';
import { countDeeds, type IngestRules } from './builder.ts';

export interface IngestTailOptions {
  readonly rules: IngestRules;
  /** Whether other threads have spans of the same traces. */
  readonly shared: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
}

export interface IngestTail {
  readonly traces: SharedTailTraces;
  readonly waitMs: number;
}

/** What decides about whole traces, for all journals of a thread; undefined when no rule asks for it. */
export const openTail = (options: IngestTailOptions): IngestTail | undefined => {
  const { rules, clock, meter } = options;
  const waits = rules.sample.flatMap(({ tail }) => (tail ? [tail.waitMs] : []));
  if (waits.length === 0) return undefined;
  const deeds = countDeeds('traces', rules, meter);
  const decided = meter.counter('tocsin_tail_traces_decided', {
    description: 'Traces of which some requests waited long enough, by what was decided and when',
    unit: '{trace}',
  });
  const unsaid = meter.counter('tocsin_tail_news_dropped', {
    description:
      'Traces of which other threads do not know what they should: there was too much to tell',
    unit: '{trace}',
  });
  const unread = meter.counter('tocsin_tail_verdicts_damaged', {
    description:
      'Files of decisions that could not be read; their spans are decided about one by one',
    unit: '{file}',
  });
  const traces = createTailTraces({
    ...rules,
    nowMs: clock.nowMs,
    shared: options.shared,
    limits: defaultTraceTableLimits,
    seed: Math.floor(options.random() * 2 ** 32),
    count: {
      noted: deeds,
      decided: (reason, trigger, count) => decided(count, { reason, trigger }),
      leftOut: (sampledOut) => deeds({ redacted: [], sampledOut }),
      unsaid: (count) => unsaid(count),
      unread: () => unread(1),
    },
  });
  meter.gauge(
    'tocsin_tail_traces_remembered',
    { description: 'Traces that something is known of', unit: '{trace}' },
    traces.remembered,
  );
  return { traces, waitMs: Math.max(...waits) };
};
