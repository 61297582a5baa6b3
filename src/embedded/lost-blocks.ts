import { open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../lib/log.ts';

/** Where a part lies among the blocks of its partition: `partition_min_max_level[_mutation]`. */
interface PartPlace {
  readonly partition: string;
  readonly min: number;
  readonly max: number;
}

/** What became of a block may be in doubt for as many inserts as can be under way. */
const recordsInDoubtMax = 200;
const logFolder = 'deduplication_logs';

/**
 * A table writes into its log that it has a block before it gives the block's part its place. Killed
 * between the two, the engine would take the block for a duplicate when it is sent again, and it would
 * be lost. So what the log claims and no part holds is taken out, while no engine runs.
 */
export const forgetLostBlocks = async (engineDataDir: string, log: Log): Promise<void> => {
  const store = join(engineDataDir, 'store');
  for (const prefix of await namesIn(store)) {
    for (const table of await namesIn(join(store, prefix))) {
      const tableDir = join(store, prefix, table);
      const logs = (await namesIn(join(tableDir, logFolder)))
        .filter((it) => /^deduplication_log_\d+\.txt$/.test(it))
        .toSorted((a, b) => numberOf(a) - numberOf(b));
      // The last one may have been begun just before.
      for (const name of logs.slice(-2)) {
        const blocks = await repair(tableDir, name, join(engineDataDir, '..'));
        if (blocks > 0) log.warn('clickhouse_lost_blocks_forgotten', { table, blocks });
      }
    }
  }
};

/** Resolves with how many blocks were taken out. */
const repair = async (tableDir: string, name: string, workDir: string): Promise<number> => {
  const path = join(tableDir, logFolder, name);
  const lines = (await readFile(path, 'utf8')).split('\n');
  const certain = Math.max(0, lines.length - recordsInDoubtMax);
  const parts = (await namesIn(tableDir)).flatMap((it) => placeOf(it) ?? []);
  const kept = lines.filter((line, index) => index < certain || !isLost(line, parts));
  if (kept.length < lines.length) await replaceFile(path, kept.join('\n'), workDir);
  return lines.length - kept.length;
};

/** `1`, part and block for one that was added. */
const isLost = (line: string, parts: readonly PartPlace[]): boolean => {
  const [operation, part = ''] = line.split('\t');
  const place = placeOf(part);
  if (operation !== '1' || !place) return false;
  return !parts.some(
    (it) => it.partition === place.partition && it.min <= place.min && it.max >= place.max,
  );
};

const placeOf = (part: string): PartPlace | undefined => {
  const [, partition, min, max] = /^([^_]+)_(\d+)_(\d+)_\d+(?:_\d+)?$/.exec(part) ?? [];
  return partition === undefined ? undefined : { partition, min: Number(min), max: Number(max) };
};

/** Beside the table: in its folder the engine would stumble over a name that it does not know. */
const replaceFile = async (path: string, text: string, workDir: string): Promise<void> => {
  const temporary = join(workDir, 'deduplication_log.new');
  const file = await open(temporary, 'w', 0o640);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
};

const numberOf = (name: string): number => Number(/\d+/.exec(name)?.[0]);

const namesIn = async (dir: string): Promise<readonly string[]> => {
  try {
    return await readdir(dir);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
};
