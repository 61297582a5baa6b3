import { createHash } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../lib/fault.ts';

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, the closing NUL included. */
const pathBytesMax = 103;

/**
 * Where the socket goes: beside the data, or, when that path is too long for a socket, into a directory
 * of our own under `runtimeDir` with a name that the data directory decides. Rejects with a Fault
 * ERR_REDIS_SOCKET when that is too long too or not ours alone.
 */
export const placeSocket = async (redisDir: string, runtimeDir: string): Promise<string> => {
  const beside = join(redisDir, 'r.sock');
  if (Buffer.byteLength(beside) <= pathBytesMax) return beside;
  const digest = createHash('sha256').update(redisDir).digest('hex').slice(0, 12);
  const dir = join(runtimeDir, `tocsin-${digest}`);
  const short = join(dir, 'r.sock');
  if (Buffer.byteLength(short) > pathBytesMax) {
    throw unusable(`${beside} and ${short} are both too long for a socket; use a shorter data_dir`);
  }
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const found = await lstat(dir);
  const ours =
    found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  if (!ours) throw unusable(`${dir} must be a directory that only this user can enter`);
  return short;
};

const unusable = (message: string): Fault =>
  new Fault('ERR_REDIS_SOCKET', message, { remedy: 'reject' });
