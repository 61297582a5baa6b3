import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import { onDisk } from '../lib/on-disk.ts';
import { findRedisBinary } from './redis-binary.ts';
import { redisConfig } from './redis-config.ts';
import { placeSocket } from './redis-socket.ts';
import { askRedis } from './resp.ts';
import type { Supervised, SupervisorLimits, SupervisorTools } from './supervised.ts';
import { supervise } from './supervisor.ts';

export interface EmbeddedRedisOptions extends SupervisorTools {
  /** The daemon's data directory; Redis keeps to `redis/` in it. */
  readonly dataDir: string;
  /** Where to look for the server, in the form of PATH. */
  readonly searchPath: string;
  /** The server program, when it is not to be searched. */
  readonly binary?: string;
  /** A directory with a short name for the socket, such as XDG_RUNTIME_DIR or the system's temporary one. */
  readonly runtimeDir: string;
  readonly memoryBytesMax: number;
  /** Overrides for tests. */
  readonly limits?: Partial<SupervisorLimits>;
}

export interface EmbeddedRedis extends Supervised {
  readonly socketPath: string;
  /** `unix:///…`, as in the configuration key `redis.url`. */
  readonly url: string;
}

const defaultLimits: SupervisorLimits = {
  // A large append-only file takes a while to load: about 2 s per million keys.
  startMsMax: 120_000,
  probeEveryMs: 2_000,
  probeMsMax: 5_000,
  probeFailuresMax: 3,
  stopMsMax: 10_000,
  backoff: { firstMs: 100, maxMs: 10_000 },
};

/**
 * Starts Redis or Valkey as a child process on a unix socket and resolves when it answers. Rejects with
 * a Fault: ERR_REDIS_MISSING, ERR_REDIS_SOCKET, ERR_REDIS_ORPHAN, ERR_CHILD_START or as `onDisk`. The caller holds
 * the lock of the data directory: Redis itself would let two servers write one file.
 */
export const startEmbeddedRedis = async (options: EmbeddedRedisOptions): Promise<EmbeddedRedis> => {
  const binary = await findRedisBinary(options.searchPath, options.binary);
  const dir = join(resolve(options.dataDir), 'redis');
  await onDisk(dir, () => mkdir(dir, { recursive: true, mode: 0o700 }));
  const socketPath = await placeSocket(dir, options.runtimeDir);
  const configFile = join(dir, 'redis.conf');
  const { memoryBytesMax } = options;
  const config = redisConfig({ dir, socketPath, memoryBytesMax });
  await onDisk(dir, () => writeFile(configFile, config, { mode: 0o600 }));

  const supervised = await supervise(
    {
      name: 'redis',
      prepare: () => endOrphan(socketPath, options.clock, options.log),
      spawn: () => spawnRedis(binary, configFile),
      probe: async (signal) => {
        const answer = await askRedis(socketPath, ['PING'], signal);
        if (answer !== '+PONG') {
          throw new Fault('ERR_REDIS_SILENT', `Redis answered ${answer}`, { remedy: 'retry' });
        }
      },
      // The end of its input makes the guard ask Redis to stop, as it does when we die.
      askToStop: (child) => {
        child.stdin?.end();
      },
      explain: () => undefined,
    },
    { ...defaultLimits, ...options.limits },
    options,
  );
  return { ...supervised, socketPath, url: `unix://${socketPath}` };
};

/**
 * Runs Redis beside a reader of our pipe. The reader returns when we close the pipe or die, and then
 * Redis gets a TERM, on which it writes out its file and exits. Redis cannot watch a pipe itself.
 */
const guardScript = `
exec 3<&0 </dev/null
"$1" "$2" 3<&- &
redis=$!
trap 'kill -TERM $redis' TERM INT HUP
(trap - TERM INT HUP; read -r _ <&3; kill -TERM $redis) 2>/dev/null &
reader=$!
exec 3<&-
wait $redis
code=$?
while kill -0 $redis 2>/dev/null; do wait $redis; code=$?; done
kill $reader 2>/dev/null
exit $code
`;

/** In a process group of its own, or Ctrl-C would end Redis before the work that needs it has stopped. */
const spawnRedis = (binary: string, configFile: string): ChildProcess =>
  spawn('/bin/sh', ['-c', guardScript, 'tocsin-redis', binary, configFile], {
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });

const orphanMsMax = 20_000;

/** A Redis of an earlier life that still serves the socket is told to write its file and go. */
const endOrphan = async (socketPath: string, clock: Clock, log: Log): Promise<void> => {
  const limit = new AbortController();
  const cancel = clock.after(orphanMsMax, () => limit.abort());
  const alive = (command: readonly string[]): Promise<boolean> =>
    askRedis(socketPath, command, limit.signal).then(
      () => true,
      () => false,
    );
  try {
    if (!(await alive(['PING']))) return;
    log.warn('embedded_redis_orphan_found', { socketPath });
    await alive(['SHUTDOWN', 'SAVE']);
    while (await alive(['PING'])) await clock.sleep(20);
    if (!limit.signal.aborted) return;
  } finally {
    cancel();
  }
  const message = `another Redis answers on ${socketPath} and does not stop; end it and start again`;
  throw new Fault('ERR_REDIS_ORPHAN', message, { remedy: 'reject' });
};
