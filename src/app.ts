import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createAudit } from './audit.ts';
import { type Backends, migrationTrouble } from './backends.ts';
import { formatAddress } from './config/address.ts';
import type { Config, TlsPort } from './config/config.ts';
import type { ReloadOutcome } from './console/ports.ts';
import { createConsoleServer } from './console/server.ts';
import { consolePorts } from './console-ports.ts';
import { decideDeliveries } from './decide/deliveries.ts';
import { findSilence } from './decide/silence.ts';
import { step } from './decide/step.ts';
import { createEvaluator } from './evaluate/run/evaluator.ts';
import type { Files } from './files.ts';
import { createGuard, type Guard } from './guard.ts';
import { dependenciesOf } from './health.ts';
import { createInnerDoor, innerUrl } from './ingest/inner-door.ts';
import { createRejectBook } from './ingest/reject-book.ts';
import { openSetAside } from './ingest/set-aside.ts';
import { startIngest } from './ingest/start.ts';
import { backoffMs, type Random } from './lib/backoff.ts';
import type { Clock } from './lib/clock.ts';
import { formatProblem, type Problem } from './lib/document.ts';
import { messageOf, remedyOf } from './lib/fault.ts';
import { type HttpClient, httpRequest } from './lib/http-client.ts';
import type { Log } from './lib/log.ts';
import { oneAtATime } from './lib/one-at-a-time.ts';
import { connectRedis } from './lib/redis.ts';
import { underRedisLock } from './lib/redis-lock.ts';
import type { Teardown } from './lib/teardown.ts';
import type { Telemetry } from './lib/telemetry.ts';
import type { CacheConventions } from './model/cache-conventions.ts';
import { redisKeys } from './model/keys.ts';
import { createHistory } from './notify/history.ts';
import { createNotifier } from './notify/notifier.ts';
import { createByteBudget } from './receive/budget.ts';
import { createOtlpGrpcServer } from './receive/grpc-server.ts';
import { createOtlpHttpServer } from './receive/http-server.ts';
import { defaultReceiveLimits } from './receive/limits.ts';
import { createSharedPressure } from './rollup/shared-pressure.ts';
import { createSlaReports } from './rollup/sla-report.ts';
import { createRollups, rollupJobs } from './rollups.ts';
import { createCacheWatch } from './store/cache-watch.ts';
import { connectStore, type Store } from './store/client.ts';
import { createDiskWatch } from './store/disk-watch.ts';
import { applyRetention, migrate } from './store/migrate.ts';

/** A change of retention is a statement for each table, of milliseconds unless ClickHouse is very busy. */
const tablesLockLimits = { ttlMs: 15_000, waitMsMax: 30_000 };

export const roles = ['ingest', 'evaluate', 'notify', 'console'] as const;
export type Role = (typeof roles)[number];

export interface AppOptions {
  readonly config: Config;
  readonly roles: ReadonlySet<Role>;
  readonly files: Files;
  /** Reads everything that people wrote again; links in messages point to `externalUrl`. */
  /** Reads all files anew, for a daemon that recognises these caches. */
  readonly reread: (externalUrl: string, caches: CacheConventions) => Reread;
  readonly backends: Backends;
  readonly telemetry: Telemetry;
  readonly version: string;
  /** Of this process, unique among all daemons of all times: block names begin with it. */
  readonly instanceId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly teardown: Teardown;
}

export type Reread =
  | { readonly ok: true; readonly config: Config; readonly files: Files }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface App {
  /** Key of `listen` to `host:port` as bound. */
  readonly listen: Readonly<Record<string, string>>;
  readonly scheme: Guard['scheme'];
  /** OTLP/HTTP for this process itself; undefined without the role ingest. */
  readonly innerDoor: HttpClient | undefined;
  readonly reload: () => Promise<ReloadOutcome>;
}

const evaluationTimeoutMs = 20_000;
const migrateBackoff = { firstMs: 500, maxMs: 10_000 };

/**
 * Builds the parts and joins them: sinks first, so that whatever arrives finds its way prepared. What
 * is started is registered with the teardown, which ends it in the opposite order.
 */
export const startApp = async (options: AppOptions): Promise<App> => {
  const { config, files, backends, telemetry, clock, random, log, teardown, instanceId } = options;
  const { meter, tracer } = telemetry;
  const parts = { clock, random, log, meter, tracer };
  const listen: Record<string, string> = {};
  const started: { atMs?: number } = {};
  let innerDoor: HttpClient | undefined;

  const { database } = config.clickhouse;
  const { cluster } = backends.clickhouse;
  const store = connectStore({ ...parts, ...backends.clickhouse, database, newId: randomUUID });
  teardown.add('store', store.close);

  const { redisUrl } = backends;
  let alerting = files.alerting;
  const evaluator = createEvaluator({
    ...parts,
    groups: files.groups,
    redisUrl,
    query: store.query,
    step,
    evaluationTimeoutMs,
    ruleUrl: ({ id }) => `${alerting.externalUrl}/?rule=${encodeURIComponent(id)}`,
    onCommitted: () => notifier.poke(),
  });
  const notifier = createNotifier({
    ...parts,
    redisUrl,
    alerting: files.alerting,
    decide: decideDeliveries,
    findSilence,
    insertRows: store.insertRows,
    readAlerts: evaluator.alerts,
    http: httpRequest,
  });
  const { dataDir } = config;
  const setAside = options.roles.has('ingest')
    ? openSetAside({ ...parts, dataDir, ...config.ingest, insert: store.insertBlock })
    : undefined;
  teardown.add('set aside', async () => setAside?.stop());
  const { disk: rules } = config;
  const diskWatch = createDiskWatch({
    ...parts,
    ...store,
    database,
    cluster,
    rules,
    newId: randomUUID,
  });
  const { caches } = config.ingest;
  const cacheWatch = createCacheWatch({ ...parts, ...store, database, cluster, caches });
  const guard = createGuard({ ...parts, config });
  guard.start();
  teardown.add('guard', async () => guard.stop());
  const health = connectRedis({ ...parts, url: redisUrl, role: 'commands', name: 'health' });
  teardown.add('health connection', () => health.close());
  let isBehindHere = () => false;
  const pressure = createSharedPressure({
    ...parts,
    redis: health.redis,
    isBehindHere: () => isBehindHere(),
  });
  teardown.add('pressure', async () => pressure.stop());
  const isIngestBehind = pressure.isBehind;
  const rollups = createRollups({ ...parts, config, files, store, redisUrl, isIngestBehind });

  const tablesLock = {
    ...tablesLockLimits,
    redis: health.redis,
    key: redisKeys.tablesLock,
    newToken: randomUUID,
    clock,
  };
  const reloadNow = async (): Promise<ReloadOutcome> => {
    const reading = options.reread(externalUrl(), config.ingest.caches);
    if (!reading.ok) {
      const problems = reading.problems.map(formatProblem);
      log.error('reload_refused', { problems });
      return { ok: false, problems };
    }
    const exposed = guard.problemsOf(reading.config);
    if (exposed.length > 0) {
      log.error('reload_refused', { problems: exposed });
      return { ok: false, problems: exposed };
    }
    const { storagePolicy } = reading.config.clickhouse;
    try {
      const placement = { database, storagePolicy, cluster };
      await applyRetention(store, reading.config.retention, placement);
    } catch (error) {
      const problems = [`retention: ${messageOf(error)}`];
      log.error('reload_refused', { problems });
      return { ok: false, problems };
    }
    diskWatch.reload(reading.config.disk);
    alerting = reading.files.alerting;
    evaluator.reload(reading.files.groups);
    notifier.reload(alerting);
    const { ingest } = config;
    rollups.reload(rollupJobs({ ...reading, config: { ...reading.config, ingest } }));
    const warnings = [
      ...reading.files.warnings.map(formatProblem),
      ...guard.reload(reading.config),
      ...waitingForRestart(config, reading.config),
    ];
    log.info('reloaded', { groups: reading.files.groups.length, warnings });
    return { ok: true, warnings };
  };
  // Files are read when its turn has come, so the last of two reloads has the last word on the tables.
  const reload = oneAtATime(async (): Promise<ReloadOutcome> => {
    let began = false;
    try {
      return await underRedisLock(tablesLock, () => {
        began = true;
        return reloadNow();
      });
    } catch (error) {
      if (began) throw error;
      // Rules and receivers must not wait for Redis, nor for a daemon that hangs.
      log.warn('reload_not_serialised', { error });
      return reloadNow();
    }
  });
  const pointLinksHere = (): void => {
    const reading = options.reread(externalUrl(), config.ingest.caches);
    if (!reading.ok) return;
    alerting = reading.files.alerting;
    notifier.reload(alerting);
  };
  const externalUrl = () =>
    `${guard.scheme('console')}://${listen['console'] ?? formatAddress(config.listen.console)}`;

  const tlsOf = (port: TlsPort) => {
    const tls = guard.tls(port);
    return tls && { tls };
  };
  const console = createConsoleServer(
    consolePorts({
      evaluator,
      notifier,
      history: createHistory(store.query),
      slaReports: createSlaReports(store.query, clock),
      alerting: () => alerting,
      setAside,
      audit: createAudit({ ...parts, insertRows: store.insertRows, newId: randomUUID }),
      log,
      status: () => ({
        version: options.version,
        instance: instanceId,
        roles: roles.filter((it) => options.roles.has(it)),
        listen,
        startedAtMs: started.atMs ?? clock.nowMs(),
      }),
      dependencies: () =>
        dependenciesOf({
          backends,
          pingClickHouse: store.ping,
          pingRedis: async () => {
            await health.redis.ping();
          },
          diskWarning: diskWatch.warning,
          startedAtMs: () => started.atMs,
        }),
      metricsText: telemetry.prometheusText,
      reload,
    }),
    {
      ...parts,
      listen: config.listen.console,
      authorize: guard.authorizeApi,
      ...tlsOf('console'),
      version: options.version,
      ...(config.alerting.externalUrl !== undefined && {
        externalUrl: config.alerting.externalUrl,
      }),
    },
  );
  teardown.add('console', console.stop);
  listen['console'] = formatAddress(await console.start());
  if (backends.embedded.clickhouse) listen['sql'] = backends.embedded.clickhouse.httpAddress;
  // Port 0: only now is it known where links in messages point.
  if (config.listen.console.port === 0) pointLinksHere();

  await migrateWhenReachable(store, options);
  teardown.add('disk watch', diskWatch.stop);
  diskWatch.start();
  teardown.add('cache watch', cacheWatch.stop);
  cacheWatch.start();
  teardown.add('notifier', notifier.stop);
  teardown.add('evaluator', evaluator.stop);
  teardown.add('rollups', rollups.stop);
  if (options.roles.has('ingest') || options.roles.has('evaluate')) pressure.start();
  if (options.roles.has('notify')) notifier.start();
  if (options.roles.has('evaluate')) {
    evaluator.start();
    rollups.start();
  }

  if (options.roles.has('ingest')) {
    const { limits, batch, workers, journal, redact, sample } = config.ingest;
    const path = await startIngest({
      ...parts,
      workers,
      dataDir: config.dataDir,
      instanceId,
      clickhouse: { ...backends.clickhouse, database },
      batch,
      journal,
      bodyBytesMax: limits.requestBytesMax,
      heldBytesMax: limits.pendingBytesMax,
      redact,
      sample,
      seriesLimits: limits.series,
    });
    teardown.add('batches', path.drain);
    isBehindHere = path.isBehind;
    const rejects = createRejectBook({ ...parts, insertRows: store.insertRows, instanceId });
    teardown.add('rejects', rejects.stop);
    const receiveLimits = {
      ...defaultReceiveLimits,
      bodyBytesMax: limits.requestBytesMax,
      heldBytesMax: limits.pendingBytesMax,
      connectionsMax: limits.connectionsMax,
      bodyMsMax: limits.requestTimeoutMs,
    };
    const { ingest } = path;
    const door = {
      clock,
      log,
      meter,
      ingest,
      admit: guard.admitTelemetry,
      rejected: rejects.report,
      limits: receiveLimits,
      budget: createByteBudget(limits.pendingBytesMax, clock),
    };
    const http = createOtlpHttpServer({
      ...door,
      ...tlsOf('otlp_http'),
      listen: config.listen.otlpHttp,
    });
    const grpc = createOtlpGrpcServer({
      ...door,
      ...tlsOf('otlp_grpc'),
      listen: config.listen.otlpGrpc,
    });
    innerDoor = createInnerDoor(ingest, clock);
    teardown.add('OTLP doors', async () => {
      await Promise.all([http.stop(), grpc.stop()]);
    });
    listen['otlp_http'] = formatAddress(await http.start());
    listen['otlp_grpc'] = formatAddress(await grpc.start());
  }

  // Ends first: what it still holds goes through our own door.
  teardown.add('telemetry', telemetry.stop);
  const { export: exportTo } = config.telemetry;
  if (exportTo === 'self') telemetry.start(innerDoor && innerUrl, innerDoor);
  else telemetry.start(exportTo === 'off' ? undefined : exportTo);
  started.atMs = clock.nowMs();
  return { listen, scheme: guard.scheme, innerDoor, reload };
};

/** Keys whose change a running daemon cannot follow. */
const fixed = ['dataDir', 'listen', 'ingest', 'clickhouse', 'redis', 'telemetry'] as const;

const waitingForRestart = (before: Config, after: Config): readonly string[] =>
  fixed
    .filter((key) => !isDeepStrictEqual(before[key], after[key]))
    .map((key) => `${key} changed in the file and takes effect when the daemon is restarted`);

/** A server that is not there yet is waited for, telling why; a schema that cannot be is an end. */
const migrateWhenReachable = async (store: Store, options: AppOptions): Promise<void> => {
  const { config, clock, random, log } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const report = await migrate(store, {
        database: config.clickhouse.database,
        storagePolicy: config.clickhouse.storagePolicy,
        cluster: options.backends.clickhouse.cluster,
        retention: config.retention,
        caches: config.ingest.caches,
        dryRun: false,
        clock,
      });
      if (report.migrations.length > 0)
        log.info('schema_migrated', { ...report, statements: report.statements.length });
      if (report.redeclared) log.warn('caches_redeclared', { ...report.redeclared });
      return;
    } catch (error) {
      if (remedyOf(error) !== 'retry' || config.clickhouse.kind === 'embedded')
        throw migrationTrouble(config, error);
      log.warn('clickhouse_awaited', { attempt, error });
      await clock.sleep(backoffMs(attempt, migrateBackoff, random));
    }
  }
};
