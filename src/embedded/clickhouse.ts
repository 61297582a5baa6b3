import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../lib/fault.ts';
import { type Credentials, keepCredentials } from './credentials.ts';
import { configXml, daemonUser, fileFunctionSql, usersXml, viewerUser } from './engine-config.ts';
import { askEngine, pingEngine } from './engine-http.ts';
import { type EngineOrder, lifeQuery, stopLine } from './engine-order.ts';
import { findPort, portInUse } from './port.ts';
import { isProcessAlive } from './process-group.ts';
import {
  type Supervised,
  type SupervisorLimits,
  type SupervisorTools,
  supervise,
} from './supervisor.ts';

export interface EmbeddedClickHouseOptions extends SupervisorTools {
  /** The daemon's data directory; the engine keeps to `clickhouse/` and two credential files in it. */
  readonly dataDir: string;
  /** For people and their tools. Port 0 picks a free one. */
  readonly httpListen: { readonly host: string; readonly port: number };
  /** For the whole process. The engine's own limit is set well below. */
  readonly memoryBytesMax: number;
  /** Overrides for tests. */
  readonly limits?: Partial<SupervisorLimits>;
}

export interface EmbeddedClickHouse extends Supervised {
  /** For the daemon itself: straight to the engine. Not for people; the port changes with each start. */
  readonly url: string;
  /** The daemon's own user; may do everything except read files and URLs of the host. */
  readonly username: string;
  readonly password: Credentials['password'];
  /** The read-only user for people's SQL. */
  readonly viewer: Credentials;
  /** `host:port` as chosen: where people and their tools find the engine. */
  readonly httpAddress: string;
}

const defaultLimits: SupervisorLimits = {
  startMsMax: 60_000,
  probeEveryMs: 5_000,
  probeMsMax: 5_000,
  probeFailuresMax: 3,
  // The engine itself gives up waiting for open connections after 5 s.
  stopMsMax: 10_000,
  backoff: { firstMs: 200, maxMs: 10_000 },
};

/**
 * Starts ClickHouse as a child process and resolves when it answers queries over HTTP. Whoever uses
 * it knows only URL and credentials, as for a server. Rejects with a Fault: ERR_PORT_IN_USE,
 * ERR_PORT_UNAVAILABLE, ERR_DATA_DIR_LOCKED, ERR_CREDENTIALS_FILE or ERR_CHILD_START.
 */
export const startEmbeddedClickHouse = async (
  options: EmbeddedClickHouseOptions,
): Promise<EmbeddedClickHouse> => {
  await outliveOrphan(options);
  const home = await prepareHome(options);
  const wish = { ...options.httpListen, key: 'listen.sql' };
  const front = { host: wish.host, port: await findPort(wish) };
  const port = await findPort({ host: loopback, port: 0, key: 'listen.sql' });
  const door = { host: loopback, port, user: daemonUser, password: home.daemon.password.reveal() };
  const order: EngineOrder = {
    args: [
      `--path=${home.dataDir}`,
      `--config-file=${home.configFile}`,
      '--log-level=warning',
      '--logger.console',
      `--listen_host=${loopback}`,
      `--http_port=${port}`,
      `--query=SYSTEM START LISTEN HTTP; ${lifeQuery}`,
    ],
    door,
    front,
  };

  const supervised = await supervise(
    {
      name: 'clickhouse',
      prepare: () => dropSystemLogs(home.dataDir),
      spawn: () => spawnEngine(order),
      probe: async (signal) => {
        await pingEngine(reachable(front.host), front.port, signal);
        await askEngine(door, 'SELECT 1', signal);
      },
      askToStop: (child) => {
        child.stdin?.end(`${stopLine}\n`);
      },
      explain: (output) => explainEngine(output, { ...front, key: wish.key }),
    },
    { ...defaultLimits, ...options.limits },
    options,
  );

  return {
    ...supervised,
    url: `http://${authority(loopback, port)}`,
    username: home.daemon.user,
    password: home.daemon.password,
    viewer: home.viewer,
    httpAddress: authority(front.host, front.port),
  };
};

const loopback = '127.0.0.1';

interface EngineHome {
  readonly dataDir: string;
  readonly configFile: string;
  readonly daemon: Credentials;
  readonly viewer: Credentials;
}

/** Writes what the engine reads. The files are made anew at every start; only passwords are kept. */
const prepareHome = async (options: EmbeddedClickHouseOptions): Promise<EngineHome> => {
  const root = resolve(options.dataDir);
  const home = join(root, 'clickhouse');
  const [dataDir, backupsDir] = [join(home, 'data'), join(home, 'backups')];
  const functionsDir = join(dataDir, 'user_defined');
  for (const dir of [home, dataDir, backupsDir, functionsDir])
    await mkdir(dir, { recursive: true, mode: 0o700 });
  const daemon = await keepCredentials(join(home, 'daemon.credentials'), daemonUser);
  const viewer = await keepCredentials(join(root, 'sql.credentials'), viewerUser);
  const shape = { memoryBytesMax: options.memoryBytesMax, cores: availableParallelism() };
  const usersFile = join(home, 'users.xml');
  const configFile = join(home, 'config.xml');
  await writeFile(
    usersFile,
    usersXml({
      ...shape,
      daemonPassword: daemon.password.reveal(),
      viewerPassword: viewer.password.reveal(),
    }),
    { mode: 0o600 },
  );
  await writeFile(join(functionsDir, 'function_file.sql'), fileFunctionSql, { mode: 0o600 });
  await writeFile(configFile, configXml({ ...shape, dataDir, backupsDir, usersFile }), {
    mode: 0o600,
  });
  return { dataDir, configFile, daemon, viewer };
};

/**
 * After a kill -9 of the daemon its engine needs a moment to die, and until then it holds the port and
 * the directory. The engine writes its process id into `status`; a reused id costs only the wait.
 */
const outliveOrphan = async ({ clock, dataDir }: EmbeddedClickHouseOptions): Promise<void> => {
  const status = await readFile(join(dataDir, 'clickhouse/data/status'), 'utf8').catch(() => '');
  const pid = Number(/^PID: (\d+)/m.exec(status)?.[1] ?? 0);
  const endMs = clock.monotonicMs() + orphanMsMax;
  while (clock.monotonicMs() < endMs) {
    if (pid === 0 || !isProcessAlive(pid)) return;
    await clock.sleep(20);
  }
};

const orphanMsMax = 4_000;

/**
 * In this mode the engine forgets its `system` tables when it stops but leaves their files, and then
 * cannot make `system.query_log` again.
 */
const dropSystemLogs = (dataDir: string): Promise<void> =>
  rm(join(dataDir, 'data/system'), { recursive: true, force: true });

const engineProgram = fileURLToPath(new URL('engine.ts', import.meta.url));

/** Its environment is empty, so that no secret of ours is in it and no variable steers the engine. */
const spawnEngine = (order: EngineOrder): ChildProcess => {
  const child = spawn(process.execPath, [engineProgram], {
    env: {},
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
  });
  child.stdin.write(`${JSON.stringify(order)}\n`);
  return child;
};

const explainEngine = (
  output: string,
  listen: Parameters<typeof portInUse>[0],
): Fault | undefined => {
  if (/Address already in use|EADDRINUSE/.test(output)) return portInUse(listen);
  if (/Cannot lock file|Another server instance/.test(output)) {
    return new Fault(
      'ERR_DATA_DIR_LOCKED',
      'another ClickHouse engine is running on this data directory',
      { remedy: 'reject' },
    );
  }
  return undefined;
};

/** Where we ourselves connect when the engine listens on every interface. */
const reachable = (host: string): string =>
  host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;

const authority = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
