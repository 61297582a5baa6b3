import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type Backends, migrationTrouble, startBackends } from '../backends.ts';
import { loadConfig } from '../config/load.ts';
import { acquireDataDirLock } from '../embedded/data-dir-lock.ts';
import { formatProblem } from '../lib/document.ts';
import { silentLog } from '../lib/log.ts';
import { noopMeter } from '../lib/meter.ts';
import { createTeardown } from '../lib/teardown.ts';
import { connectStore } from '../store/client.ts';
import { migrate } from '../store/migrate.ts';
import { jsonOption } from './daemon.ts';
import { act, complain, type ExitCode, readArgument, say, sayJson } from './io.ts';
import type { DaemonIo } from './run-daemon.ts';

interface Options {
  readonly config?: string;
  readonly dataDir?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `tocsin migrate`: the ClickHouse schema, without a daemon. */
export const registerMigrate = (program: Command, io: DaemonIo): void => {
  program
    .command('migrate')
    .description('create or upgrade the ClickHouse schema; the daemon does the same when it starts')
    .option('--config <file>', 'tocsin.yaml', io.environment['TOCSIN_CONFIG'])
    .option('--data-dir <dir>', 'of an embedded ClickHouse')
    .option('--dry-run', 'print the statements and touch nothing')
    .addOption(jsonOption())
    .action((options: Options) => act(io, () => run(io, options)));
};

const readText = (path: string): string => readFileSync(path, 'utf8');
const partStopMsMax = 15_000;

const run = async (io: DaemonIo, options: Options): Promise<ExitCode> => {
  const path = options.config;
  const reading = loadConfig({
    ...(path !== undefined && { file: { path, text: readArgument(path, readText) } }),
    environment: io.environment,
    mode: 'up',
    readFile: readText,
  });
  if (!reading.ok) {
    for (const problem of reading.problems) complain(io, formatProblem(problem));
    return 1;
  }
  const dataDir = options.dataDir ?? reading.config.dataDir;
  // Only ClickHouse is needed: a Redis that is not touched need not be started.
  const config = {
    ...reading.config,
    dataDir,
    redis: { kind: 'server', url: 'redis://none' },
  } as const;
  const { clock, random } = io;
  const parts = { clock, random, log: silentLog, meter: noopMeter };
  const teardown = createTeardown(clock, silentLog, partStopMsMax);
  try {
    if (config.clickhouse.kind === 'embedded') {
      const lock = await acquireDataDirLock(dataDir, clock);
      teardown.add('data directory lock', lock.release);
    }
    const backends: Backends = await startBackends(config, {
      ...parts,
      searchPath: '',
      runtimeDir: undefined,
      teardown,
    });
    const { database, storagePolicy } = config.clickhouse;
    const store = connectStore({ ...parts, ...backends.clickhouse, database, newId: randomUUID });
    teardown.add('store', store.close);
    const report = await migrate(store, {
      database,
      storagePolicy,
      cluster: backends.clickhouse.cluster,
      retention: config.retention,
      caches: config.ingest.caches,
      dryRun: options.dryRun ?? false,
      clock,
    }).catch((error: unknown) => {
      throw migrationTrouble(config, error);
    });
    if (options.json) sayJson(io, report);
    else for (const statement of report.statements) say(io, `${statement};\n`);
    if (!options.json && report.statements.length === 0) say(io, 'nothing to do');
    return 0;
  } finally {
    await teardown.run();
  }
};
