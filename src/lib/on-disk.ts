import { Fault, messageOf } from './fault.ts';

const fullCodes: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);
const forbiddenCodes: ReadonlySet<string> = new Set(['EROFS', 'EACCES', 'EPERM']);

/**
 * Does what a start needs of a disk. What the system says of a full one names no file, so rejects with
 * Faults (`reject`: somebody must act) that name the place and what to do: ERR_DATA_DIR_FULL,
 * ERR_DATA_DIR_READ_ONLY, and ERR_DATA_DIR_UNUSABLE for whatever else the system refuses.
 */
export const onDisk = async <T>(place: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw diskTrouble(place, error);
  }
};

/** What `onDisk` rejects with; the error itself when it is no disk's. */
export const diskTrouble = (place: string, error: unknown): unknown => {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const code = 'code' in error ? String(error.code) : '';
  if (fullCodes.has(code)) return diskFull(place, error);
  if (forbiddenCodes.has(code)) return readOnly(place, error);
  if (!/^E[A-Z0-9]+$/.test(code)) return error;
  const message = `cannot use ${place} (${messageOf(error)}); set data_dir to a directory on a local disk`;
  return new Fault('ERR_DATA_DIR_UNUSABLE', message, { remedy: 'reject', cause: error });
};

export const diskFull = (place: string, cause: unknown): Fault =>
  new Fault(
    'ERR_DATA_DIR_FULL',
    `no room left on the disk of ${place} (${messageOf(cause)}); make room there or give this user more, ` +
      'or move the data directory to a larger disk and set data_dir; what it holds is kept',
    { remedy: 'reject', cause },
  );

const readOnly = (place: string, cause: unknown): Fault =>
  new Fault(
    'ERR_DATA_DIR_READ_ONLY',
    `may not write to ${place} (${messageOf(cause)}); mount it for writing and give it to the user ` +
      'this runs as, or set data_dir to another directory',
    { remedy: 'reject', cause },
  );
