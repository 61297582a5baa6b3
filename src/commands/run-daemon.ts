import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import packageJson from '../../package.json' with { type: 'json' };
import { type AppOptions, type Reread, type Role, startApp } from '../app.ts';
import { startBackends } from '../backends.ts';
import { formatAddress } from '../config/address.ts';
import type { Config, Mode } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { acquireDataDirLock } from '../embedded/data-dir-lock.ts';
import { type Files, readFiles } from '../files.ts';
import { innerUrl } from '../ingest/inner-door.ts';
import type { Random } from '../lib/backoff.ts';
import { formatProblem } from '../lib/document.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import { closeHttpConnections, type HttpClient } from '../lib/http-client.ts';
import { createLog, type Log } from '../lib/log.ts';
import { createTeardown, type Teardown } from '../lib/teardown.ts';
import { createTelemetry } from '../lib/telemetry.ts';
import type { CacheConventions } from '../model/cache-conventions.ts';
import { bannerOf } from './banner.ts';
import { runDemoShop } from './demo/shop.ts';
import { complain, type ExitCode, type Io, readArgument } from './io.ts';

export interface DaemonOptions {
  readonly mode: Mode;
  readonly configFile: string | undefined;
  readonly dataDir: string | undefined;
  readonly roles: ReadonlySet<Role>;
  readonly demo: boolean;
}

/** What only a program's entry has: signals, randomness. */
export interface DaemonIo extends Io {
  readonly random: Random;
  /** Aborts when the process is asked to end. */
  readonly stop: AbortSignal;
  /** Registers what SIGHUP does. */
  readonly onReload: (reload: () => Promise<unknown>) => void;
}

const partStopMsMax = 15_000;
const demoVisitsPerSecond = 12;

/** Runs the daemon until it is asked to stop, then drains in order. */
export const runDaemon = async (io: DaemonIo, options: DaemonOptions): Promise<ExitCode> => {
  const startedMs = io.clock.monotonicMs();
  const prepared = prepare(io, options);
  if (!prepared) return 1;
  const log = logFor(io, prepared.config);
  const teardown = createTeardown(io.clock, log, partStopMsMax);
  try {
    await run({ io, options, prepared, log, teardown, startedMs });
  } catch (error) {
    if (!(error instanceof Fault)) log.error('daemon_failed', { error });
    await teardown.run().catch(() => {});
    // Last, so that it stands below whatever the parts said while they ended.
    complain(io, messageOf(error));
    return 1;
  }
  log.info('stopping');
  await teardown.run();
  await closeHttpConnections();
  log.info('stopped');
  return 0;
};

interface Prepared {
  readonly config: Config;
  readonly files: Files;
  readonly reread: AppOptions['reread'];
}

/** Reads everything that people wrote before anything is started. */
const prepare = (io: Io, options: DaemonOptions): Prepared | undefined => {
  const reread = (externalUrl?: string, caches?: CacheConventions): Reread =>
    readAll(io, options, { externalUrl, caches });
  const reading = reread();
  if (reading.ok) return { ...reading, reread };
  for (const problem of reading.problems) complain(io, formatProblem(problem));
  return undefined;
};

interface Running {
  readonly externalUrl: string | undefined;
  readonly caches: CacheConventions | undefined;
}

const readAll = (io: Io, options: DaemonOptions, { externalUrl, caches }: Running): Reread => {
  const path = options.configFile;
  const reading = loadConfig({
    ...(path !== undefined && { file: { path, text: readArgument(path, readText) } }),
    environment: io.environment,
    mode: options.mode,
    readFile: readText,
  });
  if (!reading.ok) return reading;
  const config = { ...reading.config, dataDir: options.dataDir ?? reading.config.dataDir };
  const files = readFiles({
    config,
    environment: io.environment,
    externalUrl: externalUrl ?? `http://${formatAddress(config.listen.console)}`,
    extraRuleFiles: options.demo ? [demoRules] : [],
    ...(caches && { caches }),
  });
  return files.ok ? { ok: true, config, files: files.files } : files;
};

const demoRules = 'rules/demo/shop.yaml';

const readText = (path: string): string => readFileSync(path, 'utf8');

const logFor = (io: Io, { telemetry }: Config): Log =>
  createLog({
    level: telemetry.logLevel,
    readable:
      telemetry.logFormat === 'text' ||
      (telemetry.logFormat === 'auto' && io.stdout.isTTY === true),
    stream: io.stderr,
  });

interface Run {
  readonly io: DaemonIo;
  readonly options: DaemonOptions;
  readonly prepared: Prepared;
  readonly log: Log;
  readonly teardown: Teardown;
  readonly startedMs: number;
}

const run = async ({ io, options, prepared, log, teardown, startedMs }: Run): Promise<void> => {
  const { config, files } = prepared;
  const { clock, random } = io;
  for (const it of files.warnings) log.warn('file_warning', { problem: formatProblem(it) });
  const embedded = config.clickhouse.kind === 'embedded' || config.redis.kind === 'embedded';
  // The journal of a copy that receives is in there too.
  if (embedded || options.roles.has('ingest')) {
    const lock = await acquireDataDirLock(config.dataDir, clock);
    teardown.add('data directory lock', lock.release);
  }
  const instanceId = randomUUID();
  const telemetry = createTelemetry({
    serviceName: 'tocsin',
    version: packageJson.version,
    instanceId,
    intervalMs: config.telemetry.intervalMs,
    traceRatio: config.telemetry.traceRatio,
    clock,
    log,
    send: io.http,
  });
  const backends = await startBackends(config, {
    clock,
    random,
    log,
    meter: telemetry.meter,
    searchPath: io.environment['PATH'] ?? '',
    runtimeDir: io.environment['XDG_RUNTIME_DIR'],
    teardown,
  });
  const app = await startApp({
    ...prepared,
    instanceId,
    roles: options.roles,
    backends,
    telemetry,
    version: packageJson.version,
    clock,
    random,
    log,
    teardown,
  });
  io.onReload(app.reload);
  if (options.demo) startDemo(app.innerDoor ?? io.http, io, log, teardown);
  io.stdout.write(
    bannerOf({
      version: packageJson.version,
      startMs: clock.monotonicMs() - startedMs,
      app,
      backends,
      files,
      alertingFile: config.alerting.file,
      dataDir: config.dataDir,
    }),
  );
  log.info('started', { version: packageJson.version, listen: app.listen });
  await aborted(io.stop);
};

const startDemo = (
  http: HttpClient,
  { clock, random }: DaemonIo,
  log: Log,
  teardown: Teardown,
): void => {
  const ending = new AbortController();
  const shop = {
    endpoint: innerUrl,
    visitsPerSecond: demoVisitsPerSecond,
    http,
    clock,
    random,
    log,
  };
  const running = runDemoShop(shop, ending.signal);
  teardown.add('demo shop', async () => {
    ending.abort();
    await running;
  });
};

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
