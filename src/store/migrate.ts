import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import { type CacheConventions, knownCacheConventions } from '../model/cache-conventions.ts';
import type { Query } from '../model/query.ts';
import type { RetentionMs } from '../model/retention.ts';
import { changeCacheViews, type Redeclared, type ViewComment } from './derived-views.ts';
import { fillServiceDurations, opensServiceDurations } from './fill-durations.ts';
import { loadMigrations, type Migration } from './load-migrations.ts';
import { codecMacro, codecSetting, partCodecStatements } from './part-codecs.ts';
import { projectionSetting, projectionStatements } from './projections.ts';
import { localName, type Placement, quoteName, renderSql } from './render.ts';
import { retentionStatements, type TableEngine } from './retention.ts';
import { splitStatements } from './split-statements.ts';
import { newerSettings, tableSettingStatements } from './table-settings.ts';

/** The part of a Store that migrations need. */
export interface MigrationTarget {
  readonly inspect: Query;
  readonly command: (sql: string) => Promise<void>;
}

export interface MigrateOptions extends Placement {
  readonly retention: RetentionMs;
  /** How caches are recognised; without what people declare unless given. */
  readonly caches?: CacheConventions;
  /** Report what would run and touch nothing. */
  readonly dryRun: boolean;
  readonly clock: Clock;
  /** The program's own unless a test brings others. */
  readonly migrations?: readonly Migration[];
}

export interface MigrationReport {
  /** Names of the migrations that were applied, or would be. */
  readonly migrations: readonly string[];
  /** What ran, or would run, in order. */
  readonly statements: readonly string[];
  /** Whose declared caches were replaced: another daemon's, or those before a change of the file. */
  readonly redeclared?: Redeclared;
}

const inspectTimeoutMs = 30_000;

/**
 * Brings the database to this program's schema, retention and settings of tables. Safe with several daemons at once:
 * every statement can run twice, so whoever comes second repeats or finds it done. Forward only.
 * Rejects, before anything runs, with ERR_MIGRATION_CHANGED when an applied file is not what it was
 * and with ERR_SCHEMA_NEWER when a newer program was here (both `reject`).
 */
export const migrate = async (
  target: MigrationTarget,
  options: MigrateOptions,
): Promise<MigrationReport> => {
  const all = options.migrations ?? (await loadMigrations());
  const statements: string[] = [];
  const run = async (sql: string): Promise<void> => {
    statements.push(sql);
    if (!options.dryRun) await target.command(sql);
  };

  const before = await readTables(target, options);
  const prepared = before.some((it) => it.table === localName(bookkeeping, options));
  if (!prepared) await runFile(all[0], options, run);
  const applied = prepared ? await readApplied(target, options) : new Map<number, string>();
  const pending = all.slice(1).filter((it) => !applied.has(it.version));
  refuseNewer(all, applied);
  refuseChanged(all, applied);

  for (const migration of pending) {
    await runFile(migration, options, async (sql) => {
      if (opensServiceDurations(sql, options)) {
        const { inspect } = target;
        const tables = new Set(before.map((it) => it.table));
        await fillServiceDurations({ ...options, inspect, run, before: tables });
      }
      await run(sql);
    });
    await run(recordStatement(migration, options));
  }
  const after = options.dryRun
    ? [...before, ...tablesIn(statements)]
    : await readTables(target, options);
  const caches = changeCacheViews(after, options.caches ?? knownCacheConventions, options);
  for (const sql of caches.statements) await run(sql);
  const known = await readKnownSettings(target);
  for (const sql of tableSettingStatements(after, known, options)) await run(sql);
  for (const sql of partCodecStatements(after, known, options, [...statements])) await run(sql);
  for (const sql of projectionStatements(after, known, options)) await run(sql);
  for (const sql of retentionStatements(after, options.retention, options)) await run(sql);

  const { redeclared } = caches;
  return {
    migrations: pending.map((it) => it.name),
    statements,
    ...(redeclared && { redeclared }),
  };
};

/** Changes the tables' retention and nothing else, for a reload; returns what ran. */
export const applyRetention = async (
  target: MigrationTarget,
  retention: RetentionMs,
  placement: Placement,
): Promise<readonly string[]> => {
  const statements = retentionStatements(await readTables(target, placement), retention, placement);
  for (const sql of statements) await target.command(sql);
  return statements;
};

const bookkeeping = 'schema_migrations';

interface Found extends TableEngine, ViewComment {}

const runFile = async (
  migration: Migration | undefined,
  placement: Placement,
  run: (sql: string) => Promise<void>,
): Promise<void> => {
  for (const sql of splitStatements(renderSql(migration?.text ?? '', placement))) await run(sql);
};

const readTables = ({ inspect }: MigrationTarget, { database }: Placement) =>
  inspect<Found>(
    'SELECT name AS table, engine_full AS engine, comment FROM system.tables WHERE database = {database:String}',
    { parameters: { database }, timeoutMs: inspectTimeoutMs },
  );

/** Of the settings of tables and the macros that not every server has, those that this one has. */
const readKnownSettings = async ({ inspect }: MigrationTarget): Promise<ReadonlySet<string>> => {
  const rows = await inspect<{ readonly name: string }>(
    'SELECT name FROM system.merge_tree_settings WHERE name IN {names:Array(String)} ' +
      'UNION ALL SELECT macro FROM system.macros WHERE macro = {macro:String} AND substitution = {value:String}',
    {
      parameters: {
        names: [...newerSettings, projectionSetting, codecSetting],
        macro: codecMacro.name,
        value: codecMacro.value,
      },
      timeoutMs: inspectTimeoutMs,
    },
  );
  return new Set(rows.map((it) => it.name));
};

/** The tables that statements would make. */
const tablesIn = (statements: readonly string[]): readonly Found[] =>
  statements.flatMap((engine) => {
    const [, table] = /^CREATE TABLE IF NOT EXISTS `[^`]+`\.`([^`]+)`/.exec(engine) ?? [];
    return table === undefined ? [] : [{ table, engine, comment: '' }];
  });

/** Checksum by version. */
const readApplied = async (
  { inspect }: MigrationTarget,
  { database }: Placement,
): Promise<ReadonlyMap<number, string>> => {
  const rows = await inspect<{ readonly version: number; readonly checksum: string }>(
    'SELECT Version AS version, argMin(Checksum, AppliedAt) AS checksum ' +
      `FROM ${quoteName(database)}.${quoteName(bookkeeping)} GROUP BY Version`,
    { timeoutMs: inspectTimeoutMs },
  );
  return new Map(rows.map((it) => [it.version, it.checksum]));
};

/** What a newer schema promises an older program cannot keep; its rows might be read or written wrongly. */
const refuseNewer = (all: readonly Migration[], applied: ReadonlyMap<number, string>): void => {
  const known = new Set(all.map((it) => it.version));
  const unknown = [...applied.keys()].filter((it) => !known.has(it)).toSorted((a, b) => a - b);
  if (unknown.length === 0) return;
  const newest = Math.max(...known);
  throw new Fault(
    'ERR_SCHEMA_NEWER',
    `this database has migrations that this program does not know (${unknown.join(', ')}; its own ` +
      `end at ${newest}): a newer tocsin was here. Start that version or a later one; the way ` +
      'back is a backup from before the upgrade',
    { remedy: 'reject' },
  );
};

const refuseChanged = (all: readonly Migration[], applied: ReadonlyMap<number, string>): void => {
  for (const { version, name, checksum } of all) {
    const then = applied.get(version);
    if (then === undefined || then === checksum) continue;
    throw new Fault(
      'ERR_MIGRATION_CHANGED',
      `${name} was applied to this database with other text (checksum ${then.slice(0, 12)}, ` +
        `now ${checksum.slice(0, 12)}): a migration is never edited, add a new one`,
      { remedy: 'reject' },
    );
  }
};

/** As a statement and not as rows, so that a dry run can show it and a cluster's table routes it. */
const recordStatement = (migration: Migration, options: MigrateOptions): string =>
  `INSERT INTO ${quoteName(options.database)}.${quoteName(bookkeeping)} ` +
  // On a cluster the next daemon must find it at once, on whichever node it looks.
  `SETTINGS async_insert = 0${options.cluster === undefined ? '' : ', insert_distributed_sync = 1'}, ` +
  `insert_deduplication_token = '${migration.checksum}' ` +
  `VALUES (${migration.version}, '${migration.name}', '${migration.checksum}', ` +
  `fromUnixTimestamp64Milli(${Math.floor(options.clock.nowMs())}))`;
