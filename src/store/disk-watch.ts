import type { Clock } from '../lib/clock.ts';
import { createErrorReport } from '../lib/error-report.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { InsertRows, Query } from '../model/query.ts';
import type { DiskRules } from '../model/retention.ts';
import {
  type DayPartition,
  type DiskDecision,
  type DiskUse,
  decideDisk,
  shortenedTables,
  usedShare,
} from './disk-pressure.ts';
import { localName, quoteName } from './render.ts';

export interface DiskWatchOptions {
  readonly inspect: Query;
  readonly command: (sql: string) => Promise<void>;
  readonly insertRows: InsertRows;
  readonly newId: () => string;
  readonly database: string;
  readonly cluster?: string | undefined;
  readonly rules: DiskRules;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface DiskWatch {
  /** Looks at once and then every minute. Returns at once. */
  readonly start: () => void;
  readonly reload: (rules: DiskRules) => void;
  /** One look, and what follows from it. Rejects with the Fault of what could not be done. */
  readonly look: () => Promise<void>;
  /** What a person ought to know of disks that fill up; undefined when all is well. */
  readonly warning: () => string | undefined;
  /** Waits for a look under way. */
  readonly stop: () => Promise<void>;
}

const everyMs = 60_000;
const timeoutMs = 20_000;
/** In one look; the next one is a minute away. Each day is followed by reading the disk again. */
const daysPerLookMax = 3;

interface Seen extends DiskUse {
  readonly decision: DiskDecision;
}

const levels = { fine: 0, warn: 1, over: 2 } as const;

/**
 * Watches the disks that hold our tables. Several daemons may watch the same: each reads the disk anew
 * before every day it drops, and a day that another has dropped is dropped again without effect. Only
 * the disks of the server that answers are seen, and on a cluster only what its shard has is dropped.
 */
export const createDiskWatch = (options: DiskWatchOptions): DiskWatch => {
  const { clock, log, inspect, command, database } = options;
  let { rules } = options;
  let seen: readonly Seen[] = [];
  let looking: Promise<void> | undefined;
  const stopping = new AbortController();
  const report = createErrorReport(log, clock, 'disk_not_watched', 10 * everyMs);
  const dropped = observe(options.meter, () => seen);

  const locals = shortenedTables.map((it) => localName(it, options));

  const readDisks = (): Promise<readonly DiskUse[]> =>
    inspect<DiskUse>(
      'SELECT name AS disk, toFloat64(total_space) AS totalBytes, ' +
        'toFloat64(unreserved_space) AS freeBytes FROM system.disks ' +
        'WHERE name IN (SELECT disk_name FROM system.parts WHERE database = {database:String} AND active) ' +
        'ORDER BY disk',
      { parameters: { database }, timeoutMs },
    );

  const readDays = (disk: string): Promise<readonly DayPartition[]> =>
    inspect<DayPartition>(
      'SELECT transform(table, {locals:Array(String)}, {tables:Array(String)}, table) AS table, ' +
        'partition_id AS day, toFloat64(sum(rows)) AS rows, ' +
        'toFloat64(sumIf(bytes_on_disk, disk_name = {disk:String})) AS bytes FROM system.parts ' +
        'WHERE database = {database:String} AND parts.table IN {locals:Array(String)} AND active ' +
        "AND match(partition_id, '^\\\\d{8}$') GROUP BY table, day ORDER BY day, table",
      { parameters: { database, disk, tables: shortenedTables, locals }, timeoutMs },
    );

  const audit = ({ disk, ...use }: DiskUse, partition: DayPartition): Promise<void> => {
    const row = {
      At: (clock.nowMs() / 1_000).toFixed(3),
      Actor: 'tocsin',
      Action: 'day_dropped_for_space',
      Subject: `${partition.table} ${partition.day}`,
      Before: JSON.stringify({ ...partition, disk, used: usedShare(use) }),
      After: '',
      Source: 'daemon',
    };
    return options.insertRows('audit_log', [row], `disk-${options.newId()}`);
  };

  const drop = async (use: DiskUse, partition: DayPartition): Promise<void> => {
    const { table, day, rows, bytes } = partition;
    // A disk without any room left cannot take the note either, and must be helped all the same.
    let unwritten = await audit(use, partition).catch((error: unknown) => ({ error }));
    await command(
      `ALTER TABLE ${quoteName(database)}.${quoteName(localName(table, options))} DROP PARTITION ID '${day}'`,
    );
    dropped(bytes, { table });
    log.warn('day_dropped_for_space', { disk: use.disk, table, day, rows, bytes });
    if (unwritten) unwritten = await audit(use, partition).catch((error: unknown) => ({ error }));
    if (unwritten) log.error('deed_not_audited', { table, day, error: unwritten.error });
  };

  const tell = (before: readonly Seen[]): void => {
    for (const { disk, decision, ...use } of seen) {
      const was = before.find((it) => it.disk === disk)?.decision ?? { level: 'fine', reason: '' };
      if (was.level === decision.level && was.reason === decision.reason) continue;
      const fields = { disk, used: usedShare(use), reason: decision.reason };
      if (decision.level === 'fine') log.info('disk_has_room', fields);
      else log.warn('disk_fills_up', fields);
    }
  };

  const lookOnce = async (): Promise<void> => {
    for (let days = 0; ; days += 1) {
      const decided: Seen[] = [];
      for (const use of await readDisks()) {
        const held = usedShare(use) < rules.shortenShare ? [] : await readDays(use.disk);
        decided.push({ ...use, decision: decideDisk(use, held, rules, clock.nowMs()) });
      }
      const before = seen;
      seen = decided;
      tell(before);
      const full = decided.find((it) => it.decision.reason === 'oldest_raw_day');
      if (full?.decision.reason !== 'oldest_raw_day' || days === daysPerLookMax) return;
      for (const partition of full.decision.drop) await drop(full, partition);
    }
  };

  const watch = async (): Promise<void> => {
    const { signal } = stopping;
    while (!signal.aborted) {
      await lookOnce().catch(report);
      await clock.sleep(everyMs, signal);
    }
  };

  return {
    start: () => {
      looking ??= watch();
    },
    reload: (changed) => {
      rules = changed;
    },
    look: lookOnce,
    warning: () => {
      const full = seen.filter((it) => it.decision.level !== 'fine');
      return full.length === 0 ? undefined : full.map(sentence).join('; ');
    },
    stop: async () => {
      stopping.abort();
      await looking;
    },
  };
};

const sentence = ({ decision, disk, ...use }: Seen): string =>
  `disk ${disk} is ${Math.floor(usedShare(use) * 100)} % full (${decision.reason})`;

const observe = (meter: Meter, seen: () => readonly Seen[]) => {
  const each = (value: (it: Seen) => number) => () =>
    seen().map((it) => ({ value: value(it), attributes: { disk: it.disk } }));
  meter.gauge(
    'tocsin_store_disk_used',
    { description: 'Share of a disk of ClickHouse that is in use, by disk', unit: '1' },
    each(usedShare),
  );
  meter.gauge(
    'tocsin_store_disk_free',
    { description: 'Room left on a disk of ClickHouse, by disk', unit: 'By' },
    each((it) => it.freeBytes),
  );
  meter.gauge(
    'tocsin_store_disk_pressure',
    {
      description:
        'How full a disk of ClickHouse is, by disk: 0 below retention.disk.warn, 1 above it, 2 above shorten_at',
      unit: '1',
    },
    each((it) => levels[it.decision.level]),
  );
  return meter.counter('tocsin_store_disk_bytes_dropped', {
    description: 'Bytes of raw data dropped before their time because a disk was full, by table',
    unit: 'By',
  });
};
