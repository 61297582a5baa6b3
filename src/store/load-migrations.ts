import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Migration {
  /** The number in front of the file name; 0 is run at every start. */
  readonly version: number;
  /** File name. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text, hex. */
  readonly checksum: string;
}

/** Where the migrations that belong to this program lie. */
const schemaDir = join(import.meta.dirname, 'schema');

/** All `NNNN-name.sql` files in order. Throws when a name has no number or a number is used twice. */
export const loadMigrations = async (dir = schemaDir): Promise<readonly Migration[]> => {
  const names = (await readdir(dir)).filter((it) => it.endsWith('.sql')).toSorted();
  const versionOf = (name = ''): number => Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
  return Promise.all(
    names.map(async (name, index) => {
      const version = versionOf(name);
      if (Number.isNaN(version)) throw new Error(`expected a migration number before ${name}`);
      if (version === versionOf(names[index - 1])) {
        throw new Error(`a second migration has the number of ${name}`);
      }
      const text = await readFile(join(dir, name), 'utf8');
      const checksum = createHash('sha256').update(text).digest('hex');
      return { version, name, text, checksum };
    }),
  );
};
