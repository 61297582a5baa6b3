import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Fault } from '../lib/fault.ts';

/**
 * The server program: `explicit` if given, else `valkey-server` or `redis-server` from `searchPath`
 * (the form of PATH). Rejects with a Fault ERR_REDIS_MISSING that says what to do.
 */
export const findRedisBinary = async (
  searchPath: string,
  explicit: string | undefined,
): Promise<string> => {
  if (explicit !== undefined) {
    if (await isExecutable(explicit)) return explicit;
    throw missing(`${explicit} is not a program that can be run.`);
  }
  for (const name of ['valkey-server', 'redis-server']) {
    for (const dir of searchPath.split(delimiter)) {
      const file = join(dir, name);
      if (dir !== '' && (await isExecutable(file))) return file;
    }
  }
  throw missing('No valkey-server and no redis-server was found on PATH.');
};

const isExecutable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

const missing = (what: string): Fault =>
  new Fault(
    'ERR_REDIS_MISSING',
    `${what} Tocsin runs a Redis of its own for queues and alert state. Install one:
  Debian, Ubuntu:  sudo apt-get install -y redis-server
  Fedora, RHEL:    sudo dnf install valkey
  Alpine:          sudo apk add valkey
  macOS:           brew install valkey
or use one that runs already: set redis.url, as in redis.url: redis://host:6379`,
    { remedy: 'reject' },
  );
