import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import type { Log } from '../../src/lib/log.ts';
import { noopMeter, type Observation } from '../../src/lib/meter.ts';
import type { Query } from '../../src/model/query.ts';
import type { DiskRules } from '../../src/model/retention.ts';
import type { Store } from '../../src/store/client.ts';
import { shortenedTables } from '../../src/store/disk-pressure.ts';
import { createDiskWatch, type DiskWatchOptions } from '../../src/store/disk-watch.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { migrateOptions, openStore } from './open-store.ts';

const timeoutMs = 20_000;
const nowMs = Date.UTC(2026, 10, 21, 12);
const allowed: DiskRules = { warnShare: 0.5, shortenShare: 0.9, shortenAllowed: true };

/** Days of November 2026 that are stored, by table. */
const days = [1, 2, 3, 4, 5, 19, 20, 21];

t.test('a disk that fills up', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);
  // A merge between two looks makes parts smaller, and a day fewer would have to go.
  await store.command('SYSTEM STOP MERGES');

  const events: { readonly event: string; readonly fields: unknown }[] = [];
  const note = (event: string, fields: unknown = {}) => void events.push({ event, fields });
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  const gauges = new Map<string, () => number | readonly Observation[]>();
  const counted: number[] = [];
  const watch = (rules: DiskRules, others: Partial<DiskWatchOptions> = {}) =>
    createDiskWatch({
      ...store,
      newId: () => crypto.randomUUID(),
      database: 'otel',
      rules,
      clock: { ...systemClock, nowMs: () => nowMs },
      log,
      meter: {
        ...noopMeter,
        gauge: (name, _, read) => void gauges.set(name, read),
        counter: () => (add) => void counted.push(add),
      },
      ...others,
    });

  t.test('is read as it is', async (t) => {
    await fill(store);
    const quiet = watch({ warnShare: 1, shortenShare: 1, shortenAllowed: true });
    await quiet.look();
    const [used] = [gauges.get('tocsin_store_disk_used')?.()].flat() as Observation[];
    t.match(used, { attributes: { disk: 'default' } });
    t.ok(used && used.value > 0 && used.value < 1, `${used?.value} used`);
    t.equal(quiet.warning(), undefined);
  });

  t.test('is told and nothing more, unless more is allowed', async (t) => {
    events.length = 0;
    const careful = watch({ ...allowed, shortenAllowed: false }, { inspect: smallDisk(store, 1) });
    const before = await daysLeft(store);
    await careful.look();
    await careful.look();
    t.strictSame(await daysLeft(store), before);
    t.equal(careful.warning(), 'disk default is 100 % full (shortening_not_allowed)');
    t.strictSame(
      events.map((it) => it.event),
      ['disk_fills_up'],
      'told once',
    );
    t.match(gauges.get('tocsin_store_disk_pressure')?.(), [{ value: 2 }]);
  });

  t.test('loses whole days of raw data, the oldest first, until there is room', async (t) => {
    // The two oldest days are what is too much: without them 90 % of the disk are not reached.
    const inspect = smallDisk(store, 0.9 / (6.5 / 8));
    const willing = watch(allowed, { inspect });
    const others = await countOthers(store);
    events.length = 0;
    await willing.look();
    const left = await daysLeft(store);
    for (const table of shortenedTables) t.strictSame(left.get(table), days.slice(2), table);
    t.strictSame(await countOthers(store), others, 'tiers, alerts and audit are whole');
    t.match(willing.warning(), /above_warn/);
    t.ok(counted.every((it) => it > 0));
    t.equal(events.filter((it) => it.event === 'day_dropped_for_space').length, counted.length);

    const audit = await store.query<{ Subject: string; Before: string }>(
      "SELECT Subject, Before FROM audit_log WHERE Action = 'day_dropped_for_space' ORDER BY Subject",
      { timeoutMs },
    );
    t.equal(audit.length, 2 * shortenedTables.length);
    t.ok(audit.some((it) => it.Subject === 'otel_traces 20261101'));
    t.match(JSON.parse(audit[0]?.Before ?? '{}'), { disk: 'default', day: '20261101' });

    await willing.look();
    t.strictSame(await daysLeft(store), left, 'and no more than that');
  });

  t.test('loses at most three days at a look and never the youngest', async (t) => {
    const full = watch(allowed, { inspect: smallDisk(store, 1_000) });
    await full.look();
    t.strictSame((await daysLeft(store)).get('otel_traces'), [19, 20, 21]);
    await full.look();
    t.strictSame((await daysLeft(store)).get('otel_traces'), [20, 21]);
    await full.look();
    t.strictSame((await daysLeft(store)).get('otel_traces'), [20, 21]);
    t.match(full.warning(), /only_young_days_left/);
  });

  t.test('is helped also when it cannot take the note any more', async (t) => {
    await fill(store);
    events.length = 0;
    let left = 1;
    const stuck = watch(allowed, {
      inspect: smallDisk(store, 1_000),
      insertRows: async (...row) => {
        left -= 1;
        if (left >= 0) throw new Error('NOT_ENOUGH_SPACE');
        await store.insertRows(...row);
      },
    });
    await stuck.look();
    t.strictSame((await daysLeft(store)).get('otel_logs'), [4, 5, 19, 20, 21]);
    t.notOk(
      events.some((it) => it.event === 'deed_not_audited'),
      'noted once there was room',
    );
  });

  t.test('is watched until the daemon ends, also when it cannot be read', async (t) => {
    events.length = 0;
    const blind = watch(allowed, {
      inspect: async () => {
        throw new Error('away');
      },
    });
    blind.start();
    await blind.stop();
    t.match(events, [{ event: 'disk_not_watched' }]);
  });
});

/** One row for each day in every table of which days may go, and in some of which none may. */
const fill = async (store: Store): Promise<void> => {
  const tables = await store.inspect<{ table: string; column: string }>(
    'SELECT table, any(name) AS column FROM system.columns WHERE is_in_partition_key ' +
      "AND database = 'otel' AND table IN {tables:Array(String)} GROUP BY table",
    { parameters: { tables: [...shortenedTables, ...others] }, timeoutMs },
  );
  for (const { table } of tables) {
    await store.command(`TRUNCATE TABLE otel.${table}`);
  }
  const times = days.map((day) => `('2026-11-${String(day).padStart(2, '0')} 06:00:00')`);
  for (const { table, column } of tables) {
    await store.command(
      `INSERT INTO otel.${table} (${column}) SETTINGS async_insert = 0, insert_deduplicate = 0 ` +
        `VALUES ${times.join(', ')}`,
    );
  }
};

const others = ['alert_events', 'audit_log', 'notification_log', 'span_rollup_1h'];

const daysLeft = async (store: Store): Promise<ReadonlyMap<string, readonly number[]>> => {
  const rows = await store.inspect<{ table: string; days: readonly number[] }>(
    'SELECT table, arraySort(groupUniqArray(toUInt8(substring(partition_id, 7)))) AS days ' +
      "FROM system.parts WHERE database = 'otel' AND active AND table IN {tables:Array(String)} " +
      'GROUP BY table',
    { parameters: { tables: shortenedTables }, timeoutMs },
  );
  return new Map(rows.map((it) => [it.table, it.days]));
};

const countOthers = (store: Store) => {
  const counts = others.map(
    (it) =>
      `SELECT '${it}' AS table, toUInt32(count()) AS rows FROM ${it} ` +
      (it === 'audit_log' ? "WHERE Action != 'day_dropped_for_space'" : ''),
  );
  return store.query(`SELECT * FROM (${counts.join(' UNION ALL ')}) ORDER BY table`, { timeoutMs });
};

/**
 * The engine's disk, as if it were one on which what is stored now takes `share` of all room: a real
 * one of such a size cannot be had without rights to mount it.
 */
const smallDisk = (store: Store, share: number): Query => {
  let totalBytes: number | undefined;
  return async <Row>(sql: string, options: Parameters<Query>[1]): Promise<readonly Row[]> => {
    if (!sql.includes('system.disks')) return store.inspect<Row>(sql, options);
    const [stored] = await store.inspect<{ bytes: number }>(
      'SELECT toFloat64(sum(bytes_on_disk)) AS bytes FROM system.parts ' +
        "WHERE database = 'otel' AND active AND table IN {tables:Array(String)}",
      { parameters: { tables: shortenedTables }, timeoutMs },
    );
    totalBytes ??= (stored?.bytes ?? 0) / share;
    const freeBytes = totalBytes - (stored?.bytes ?? 0);
    return store.inspect<Row>(
      `SELECT 'default' AS disk, toFloat64(${totalBytes}) AS totalBytes, toFloat64(${freeBytes}) AS freeBytes`,
      { timeoutMs },
    );
  };
};
