import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../lib/clock.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import { onDisk } from '../lib/on-disk.ts';
import { isProcessAlive } from './process-group.ts';

export interface DataDirLock {
  readonly release: () => void;
}

/**
 * Takes the one lock of a data directory for this process, creating the directory if need be. Rejects
 * with a Fault ERR_DATA_DIR_LOCKED that names the process holding it, and as `onDisk`.
 *
 * The lock is an exclusive transaction on an empty SQLite database, because that is the one thing in
 * Node that takes a lock of the operating system: the kernel gives it to one of two racing starters
 * and takes it back when the process dies, however it dies. Nothing can go stale and no process id
 * has to be trusted; `daemon.pid` beside it serves the message only.
 */
export const acquireDataDirLock = async (dataDir: string, clock: Clock): Promise<DataDirLock> => {
  await onDisk(dataDir, () => mkdir(dataDir, { recursive: true, mode: 0o700 }));
  const database = lockOrNothing(join(dataDir, 'daemon.lock'));
  const pidFile = join(dataDir, 'daemon.pid');
  if (!database) throw lockedBy(dataDir, await holderOf(pidFile, clock));
  held.add(database);
  // On a full disk a daemon may still hand its journal to a server, and make room so.
  await writeFile(pidFile, `${process.pid}\n`).catch(() => {});
  return {
    release: () => {
      held.delete(database);
      if (database.isOpen) database.close();
    },
  };
};

/** A caller may drop its handle; a collected database would drop the lock. */
const held = new Set<DatabaseSync>();

const sqliteBusy = 5;

const lockOrNothing = (file: string): DatabaseSync | undefined => {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy)
      return undefined;
    const message = `cannot lock ${file} (${messageOf(error)}); a local file system that takes writes is needed`;
    throw new Fault('ERR_DATA_DIR_UNUSABLE', message, { remedy: 'reject', cause: error });
  }
};

/** The winner of a race writes its id a moment after it has won: a dead one is read again. */
const holderOf = async (pidFile: string, clock: Clock): Promise<number | undefined> => {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
    if (pid > 0 && isProcessAlive(pid)) return pid;
    await clock.sleep(50);
  }
  return undefined;
};

const lockedBy = (dataDir: string, pid: number | undefined): Fault => {
  const holder = pid === undefined ? 'another process' : `process ${pid}`;
  const message = `the data directory ${dataDir} is in use by ${holder}; stop it or set data_dir to another directory`;
  return new Fault('ERR_DATA_DIR_LOCKED', message, { remedy: 'reject' });
};
