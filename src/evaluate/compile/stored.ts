import { type CacheConventions, knownCacheConventions } from '../../model/cache-conventions.ts';
import { keptForEver, type TiersKeptMs } from '../../model/tier-cover.ts';

/** What queries must know of what there is to read. */
export interface Stored {
  readonly spansKeptMs: TiersKeptMs;
  readonly cachesKeptMs: TiersKeptMs;
  readonly metricsKeptMs: TiersKeptMs;
  readonly logsKeptMs: number;
  /** How caches are recognised, with what people declare: those that the tiers are computed with. */
  readonly caches: CacheConventions;
}

export const allStored: Stored = {
  spansKeptMs: keptForEver,
  cachesKeptMs: keptForEver,
  metricsKeptMs: keptForEver,
  logsKeptMs: Infinity,
  caches: knownCacheConventions,
};
