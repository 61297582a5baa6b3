import type { SeriesLimit } from './series-book.ts';

/** Of values told apart for one attribute; more count as this many. */
const bitsMax = 4096;
const attributesMax = 64;
/** Metrics with too many series that are looked into at once. */
const metricsMax = 64;
/** Points looked into for each, in an hour: enough to tell, and then it costs nothing any more. */
const pointsMax = 20_000;

interface Suspects {
  readonly limit: SeriesLimit;
  points: number;
  readonly attributes: Map<string, Uint32Array>;
}

/**
 * Which attribute has the most values among the series that were refused: that is the one that makes
 * them so many. Bounded, and only at work while series are refused.
 */
export class SeriesSuspects {
  readonly #metrics = new Map<number, Suspects>();
  #generation = 0;

  /** What was learned in another hour is forgotten. */
  turnTo(generation: number): void {
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#metrics.clear();
  }

  /** A point of the metric is refused. False when nobody wants to know its attributes. */
  note(metric: number, limit: SeriesLimit): boolean {
    const known = this.#metrics.get(metric);
    if (!known) {
      if (this.#metrics.size >= metricsMax) return false;
      this.#metrics.set(metric, { limit, points: 1, attributes: new Map() });
      return true;
    }
    known.points += 1;
    return known.points <= pointsMax;
  }

  /** One of its attributes, with a hash of the value. */
  see(metric: number, attribute: string, value: number): void {
    const attributes = this.#metrics.get(metric)?.attributes;
    if (!attributes) return;
    let bits = attributes.get(attribute);
    if (!bits) {
      if (attributes.size >= attributesMax) return;
      attributes.set(attribute, (bits = new Uint32Array(bitsMax / 32)));
    }
    const bit = value & (bitsMax - 1);
    bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }

  /** Such as `limit=metric attribute="user.id" values=812`: about so many values were refused. */
  told(metric: number): string {
    const found = this.#metrics.get(metric);
    if (!found) return '';
    let worst = '';
    let most = 0;
    for (const [attribute, bits] of found.attributes) {
      const values = valuesOf(bits);
      if (values <= most) continue;
      most = values;
      worst = attribute;
    }
    const named = most === 0 ? '' : ` attribute=${JSON.stringify(worst)} values=${most}`;
    return `limit=${found.limit}${named}`;
  }
}

/** How many values set these bits, by linear counting. */
const valuesOf = (bits: Uint32Array): number => {
  let set = 0;
  for (const word of bits) for (let rest = word; rest !== 0; rest &= rest - 1) set += 1;
  const free = Math.max(1, bitsMax - set);
  return Math.round(-bitsMax * Math.log(free / bitsMax));
};
