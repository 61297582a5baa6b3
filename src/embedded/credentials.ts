import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { Fault } from '../lib/fault.ts';
import { Secret } from '../lib/secret.ts';

export interface Credentials {
  readonly user: string;
  readonly password: Secret;
}

/**
 * Reads `user=…` and `password=…` from a file that only its owner may read, or writes one with a new
 * random password. A password never changes once written: people and dashboards keep copies.
 * Rejects with a Fault ERR_CREDENTIALS_FILE when the file is there and not of this form.
 */
export const keepCredentials = async (file: string, user: string): Promise<Credentials> => {
  const text = await readIfThere(file);
  if (text === undefined) {
    const password = randomBytes(24).toString('base64url');
    const temporary = `${file}.new`;
    await writeFile(temporary, `user=${user}\npassword=${password}\n`, { mode: 0o600 });
    await rename(temporary, file);
    return { user, password: new Secret(password) };
  }
  const password = /^password=(.+)$/m.exec(text)?.[1]?.trim();
  if (password === undefined || /^user=(.*)$/m.exec(text)?.[1]?.trim() !== user) {
    const message = `${file} must hold the lines user=${user} and password=…; delete it to get a new password`;
    throw new Fault('ERR_CREDENTIALS_FILE', message, { remedy: 'reject' });
  }
  return { user, password: new Secret(password) };
};

const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
};
