import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { type Credentials, keepCredentials } from './credentials.ts';
import { configXml } from './engine-config.ts';
import {
  daemonUser,
  type EngineUsers,
  fileFunctionSql,
  usersXml,
  viewerUser,
} from './engine-users.ts';
import { isProcessAlive } from './process-group.ts';

export interface EngineHome {
  readonly dataDir: string;
  readonly configFile: string;
  readonly daemon: Credentials;
  readonly viewer: Credentials;
}

/** Writes what the engine reads. The files are made anew at every start; only passwords are kept. */
export const prepareHome = async (
  daemonDataDir: string,
  shape: Pick<EngineUsers, 'database' | 'memoryBytesMax' | 'cores'>,
): Promise<EngineHome> => {
  const root = resolve(daemonDataDir);
  const home = join(root, 'clickhouse');
  const [dataDir, backupsDir] = [join(home, 'data'), join(home, 'backups')];
  const functionsDir = join(dataDir, 'user_defined');
  for (const dir of [home, backupsDir, functionsDir]) {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  }
  const daemon = await keepCredentials(join(home, 'daemon.credentials'), daemonUser);
  const viewer = await keepCredentials(join(root, 'sql.credentials'), viewerUser);
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
  await writeFile(configFile, configXml({ ...shape, backupsDir, usersFile }), {
    mode: 0o600,
  });
  return { dataDir, configFile, daemon, viewer };
};

/**
 * After a kill -9 of the daemon its engine needs a moment to die, and until then it holds the port and
 * the directory. The engine writes its process id into `status`; a reused id costs only the wait.
 */
export const outliveOrphan = async (daemonDataDir: string, clock: Clock): Promise<void> => {
  const status = await readFile(join(daemonDataDir, 'clickhouse/data/status'), 'utf8').catch(
    () => '',
  );
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
export const dropSystemLogs = (dataDir: string): Promise<void> =>
  rm(join(dataDir, 'data/system'), { recursive: true, force: true });
