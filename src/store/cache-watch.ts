import type { Clock } from '../lib/clock.ts';
import { createErrorReport } from '../lib/error-report.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { CacheConventions } from '../model/cache-conventions.ts';
import { cacheViews } from '../model/cache-views.ts';
import type { Query } from '../model/query.ts';
import { disagreement, type ViewComment } from './derived-views.ts';
import { localName } from './render.ts';

export interface CacheWatchOptions {
  readonly inspect: Query;
  readonly database: string;
  readonly cluster?: string | undefined;
  /** How this daemon recognises caches. */
  readonly caches: CacheConventions;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface CacheWatch {
  /** Looks at once and then every minute. Returns at once. */
  readonly start: () => void;
  /** One look. Rejects with the Fault of what could not be read. */
  readonly look: () => Promise<void>;
  /** Waits for a look under way. */
  readonly stop: () => Promise<void>;
}

const everyMs = 60_000;
const timeoutMs = 20_000;

/**
 * Tells when a daemon that started later recognises caches otherwise. The views are its own then:
 * this daemon computes no caches any more, and its rules on caches follow what nobody else does.
 */
export const createCacheWatch = (options: CacheWatchOptions): CacheWatch => {
  const { inspect, database, caches, clock, log, meter } = options;
  const views = cacheViews(caches).map((it) => localName(it.view, options));
  const report = createErrorReport(log, clock, 'cache_views_not_read', 10 * everyMs);
  const stopping = new AbortController();
  let told: string | undefined;
  let looking: Promise<void> | undefined;
  meter.gauge(
    'tocsin_store_caches_disagree',
    {
      description: '1 while another daemon that started later recognises caches otherwise',
      unit: '1',
    },
    () => (told === undefined ? 0 : 1),
  );

  const look = async (): Promise<void> => {
    const found = await inspect<ViewComment>(
      'SELECT name AS table, comment FROM system.tables WHERE database = {database:String} AND name IN {views:Array(String)}',
      { parameters: { database, views }, timeoutMs },
    );
    const disagreed = disagreement(found, caches);
    const now = disagreed && JSON.stringify(disagreed);
    if (now === told) return;
    told = now;
    if (disagreed) log.warn('caches_disagree', { ...disagreed });
    else log.info('caches_agree');
  };

  const watch = async (): Promise<void> => {
    const { signal } = stopping;
    while (!signal.aborted) {
      await look().catch(report);
      await clock.sleep(everyMs, signal);
    }
  };

  return {
    start: () => {
      looking ??= watch();
    },
    look,
    stop: async () => {
      stopping.abort();
      await looking;
    },
  };
};
