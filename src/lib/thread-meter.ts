import { addUp, attributesKey } from './add-up.ts';
import type { Attributes, Meter, MetricOptions, Observation } from './meter.ts';

type Name = `tocsin_${string}`;

/** How an instrument was made, told before its first value. */
type Declaration =
  | { readonly kind: 'counter' | 'gauge'; readonly name: Name; readonly options: MetricOptions }
  | {
      readonly kind: 'histogram';
      readonly name: Name;
      readonly options: MetricOptions & { readonly bounds: readonly number[] };
    };

interface Sum {
  readonly name: Name;
  readonly attributes: Attributes;
  readonly add: number;
}

/** The values of one bucket of a histogram; `sum` includes `min` and `max`. */
interface Bucket {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

interface Distribution {
  readonly name: Name;
  readonly attributes: Attributes;
  readonly buckets: readonly Bucket[];
}

/** What a thread measured since its last report. Plain data. */
export interface MeterReport {
  readonly declared: readonly Declaration[];
  readonly sums: readonly Sum[];
  readonly distributions: readonly Distribution[];
  /** The latest of every gauge; absent when none changed. */
  readonly levels?: Readonly<Record<Name, readonly Observation[]>>;
}

export interface GatheringMeter {
  readonly meter: Meter;
  /** What was measured since the last call; undefined when nothing was. */
  readonly take: () => MeterReport | undefined;
}

/** A meter in a thread: adds up what is counted until somebody takes it to the main thread. */
export const createGatheringMeter = (): GatheringMeter => {
  const declared: Declaration[] = [];
  const sums = new Map<string, { name: Name; attributes: Attributes; add: number }>();
  const distributions = new Map<string, { attributes: Attributes; gathered: Gathered }>();
  const gauges: { name: Name; observe: () => number | readonly Observation[] }[] = [];
  let lastLevels = '{}';

  const meter: Meter = {
    counter: (name, options) => {
      declared.push({ kind: 'counter', name, options });
      return (add, attributes = {}) => {
        if (!Number.isFinite(add) || add <= 0) return;
        const key = keyOf(name, attributes);
        const sum = sums.get(key);
        if (sum) sum.add += add;
        else sums.set(key, { name, attributes, add });
      };
    },
    histogram: (name, options) => {
      declared.push({ kind: 'histogram', name, options });
      return (value, attributes = {}) => {
        if (!Number.isFinite(value)) return;
        const key = keyOf(name, attributes);
        let held = distributions.get(key);
        if (!held) {
          held = { attributes, gathered: new Gathered(name, options.bounds) };
          distributions.set(key, held);
        }
        held.gathered.record(value);
      };
    },
    gauge: (name, options, observe) => {
      declared.push({ kind: 'gauge', name, options });
      gauges.push({ name, observe });
    },
  };

  const observeAll = (): Record<Name, Observation[]> => {
    const levels: Record<Name, Observation[]> = {};
    for (const { name, observe } of gauges) {
      const seen = observe();
      (levels[name] ??= []).push(...(typeof seen === 'number' ? [{ value: seen }] : seen));
    }
    return levels;
  };

  const take = (): MeterReport | undefined => {
    const levels = observeAll();
    const text = JSON.stringify(levels);
    const changed = text !== lastLevels;
    if (declared.length + sums.size + distributions.size === 0 && !changed) return undefined;
    lastLevels = text;
    const report: MeterReport = {
      declared: declared.splice(0),
      sums: [...sums.values()],
      distributions: Array.from(distributions.values(), ({ attributes, gathered }) => ({
        name: gathered.name,
        attributes,
        buckets: gathered.buckets(),
      })),
      ...(changed && { levels }),
    };
    sums.clear();
    distributions.clear();
    return report;
  };

  return { meter, take };
};

/** Values of one histogram with one set of attributes, by bucket. */
class Gathered {
  readonly name: Name;
  readonly #bounds: readonly number[];
  readonly #buckets = new Map<number, { count: number; sum: number; min: number; max: number }>();

  constructor(name: Name, bounds: readonly number[]) {
    this.name = name;
    this.#bounds = bounds;
  }

  record(value: number): void {
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const bucket = this.#buckets.get(found);
    if (!bucket) {
      this.#buckets.set(found, { count: 1, sum: value, min: value, max: value });
      return;
    }
    bucket.count += 1;
    bucket.sum += value;
    bucket.min = Math.min(bucket.min, value);
    bucket.max = Math.max(bucket.max, value);
  }

  buckets(): readonly Bucket[] {
    return [...this.#buckets.values()];
  }
}

export interface MeterReplay {
  /** `source` names the thread. */
  readonly replay: (source: string, report: MeterReport) => void;
  /** A thread that is gone has no levels any more; what it counted stays. */
  readonly forget: (source: string) => void;
}

/**
 * Repeats on `meter` what threads measured: the same instruments, counts, sums, buckets, least and
 * greatest values as if it had been measured here. Levels of gauges add up over threads.
 */
export const createMeterReplay = (meter: Meter): MeterReplay => {
  const counters = new Map<Name, ReturnType<Meter['counter']>>();
  const histograms = new Map<Name, ReturnType<Meter['histogram']>>();
  const gauges = new Set<Name>();
  const levels = new Map<string, NonNullable<MeterReport['levels']>>();

  const declare = (it: Declaration): void => {
    const { kind, name } = it;
    switch (kind) {
      case 'counter':
        if (!counters.has(name)) counters.set(name, meter.counter(name, it.options));
        return;
      case 'histogram':
        if (!histograms.has(name)) histograms.set(name, meter.histogram(name, it.options));
        return;
      case 'gauge':
        if (gauges.has(name)) return;
        gauges.add(name);
        meter.gauge(name, it.options, () =>
          addUp(Array.from(levels.values(), (each) => each[name] ?? []).flat()),
        );
    }
  };

  return {
    replay: (source, report) => {
      report.declared.forEach(declare);
      for (const { name, attributes, add } of report.sums) counters.get(name)?.(add, attributes);
      for (const { name, attributes, buckets } of report.distributions) {
        const record = histograms.get(name);
        if (!record) continue;
        for (const bucket of buckets) recordAll(bucket, (value) => record(value, attributes));
      }
      if (report.levels) levels.set(source, report.levels);
    },
    forget: (source) => {
      levels.delete(source);
    },
  };
};

/** As many values as there were, with the same sum and ends; those between are their mean. */
const recordAll = ({ count, sum, min, max }: Bucket, record: (value: number) => void): void => {
  record(min);
  if (count > 1) record(max);
  const between = Math.min(max, Math.max(min, (sum - min - max) / (count - 2)));
  for (let n = 2; n < count; n += 1) record(between);
};

const keyOf = (name: Name, attributes: Attributes): string => name + attributesKey(attributes);
