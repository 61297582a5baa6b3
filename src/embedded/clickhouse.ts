import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../lib/fault.ts';
import { onDisk } from '../lib/on-disk.ts';
import type { Credentials } from './credentials.ts';
import { compressionArgs } from './engine-config.ts';
import type { FrontListen } from './engine-front.ts';
import { dropSystemLogs, type EngineHome, outliveOrphan, prepareHome } from './engine-home.ts';
import { askEngine, pingEngine } from './engine-http.ts';
import { type EngineOrder, lifeQuery, stopLine } from './engine-order.ts';
import { forgetLostBlocks } from './lost-blocks.ts';
import { findPorts, type PortWish, portInUse } from './port.ts';
import type {
  Supervised,
  SupervisedPart,
  SupervisorLimits,
  SupervisorTools,
} from './supervised.ts';
import { supervise } from './supervisor.ts';

export interface EmbeddedClickHouseOptions extends SupervisorTools {
  /** The daemon's data directory; the engine keeps to `clickhouse/` and two credential files in it. */
  readonly dataDir: string;
  /** The database that people may read; migrations create it. */
  readonly database: string;
  /** For people and their tools. Port 0 picks a free one. */
  readonly httpListen: FrontListen;
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
 * ERR_PORT_UNAVAILABLE, ERR_DATA_DIR_LOCKED, ERR_CREDENTIALS_FILE or ERR_CHILD_START, and as `onDisk`.
 */
export const startEmbeddedClickHouse = async (
  options: EmbeddedClickHouseOptions,
): Promise<EmbeddedClickHouse> => {
  await outliveOrphan(options.dataDir, options.clock);
  const { database, memoryBytesMax } = options;
  const shape = { database, memoryBytesMax, cores: availableParallelism() };
  const home = await onDisk(join(resolve(options.dataDir), 'clickhouse'), () =>
    prepareHome(options.dataDir, shape),
  );
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOn(await chooseAddresses(options.httpListen), home, options);
    } catch (error) {
      const raced = error instanceof Fault && error.code === 'ERR_PORT_IN_USE';
      if (!raced || attempt === startAttemptsMax) throw error;
      // Some other process took a port between our look and the engine's. A port the user wishes for
      // is looked at again first, and then the fault comes from there.
      if (options.httpListen.port !== 0) await findPorts([wishFor(options.httpListen)]);
    }
  }
};

/** Each attempt may lose a race for a port that the system has chosen. */
const startAttemptsMax = 5;

interface Addresses {
  readonly front: FrontListen;
  /** Of the engine itself, on loopback. */
  readonly port: number;
}

const wishFor = (listen: FrontListen): PortWish => ({ ...listen, key: 'listen.sql' });

const chooseAddresses = async (listen: FrontListen): Promise<Addresses> => {
  const inner = wishFor({ host: loopback, port: 0 });
  const [front = 0, port = 0] = await findPorts([wishFor(listen), inner]);
  return { front: { host: listen.host, port: front }, port };
};

const startOn = async (
  { front, port }: Addresses,
  home: EngineHome,
  options: EmbeddedClickHouseOptions,
): Promise<EmbeddedClickHouse> => {
  const { user, password } = home.daemon;
  const door = { host: loopback, port, user, password: password.reveal() };
  const order: EngineOrder = {
    args: [
      `--path=${home.dataDir}`,
      `--config-file=${home.configFile}`,
      '--log-level=warning',
      '--logger.console',
      `--listen_host=${loopback}`,
      `--http_port=${port}`,
      `--query=SYSTEM START LISTEN HTTP; ${lifeQuery}`,
      ...compressionArgs,
    ],
    door,
    front,
  };
  const part: SupervisedPart = {
    name: 'clickhouse',
    prepare: async () => {
      await dropSystemLogs(home.dataDir);
      await forgetLostBlocks(home.dataDir, options.log);
    },
    spawn: () => spawnEngine(order),
    probe: async (signal) => {
      await pingEngine(reachable(front.host), front.port, signal);
      await askEngine(door, 'SELECT 1', signal);
    },
    askToStop: (child) => {
      child.stdin?.end(`${stopLine}\n`);
    },
    explain: (output) => explainEngine(output, wishFor(front)),
  };
  const supervised = await supervise(part, { ...defaultLimits, ...options.limits }, options);
  return {
    ...supervised,
    url: `http://${authority(loopback, port)}`,
    username: user,
    password,
    viewer: home.viewer,
    httpAddress: authority(front.host, front.port),
  };
};

const loopback = '127.0.0.1';

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

const explainEngine = (output: string, listen: PortWish): Fault | undefined => {
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
