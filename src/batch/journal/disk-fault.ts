import { Fault, messageOf } from '../../lib/fault.ts';

/** The system's name of an error, such as ENOSPC. */
export const errnoOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown';
};

const codes: Readonly<Record<string, `ERR_${string}`>> = {
  ENOSPC: 'ERR_JOURNAL_DISK_FULL',
  EDQUOT: 'ERR_JOURNAL_DISK_FULL',
  EFBIG: 'ERR_JOURNAL_DISK_FULL',
  EROFS: 'ERR_JOURNAL_READ_ONLY',
  EACCES: 'ERR_JOURNAL_READ_ONLY',
  EPERM: 'ERR_JOURNAL_READ_ONLY',
};

/** Everything a disk can do to us passes by itself or by an operator's hand: always `retry`. */
export const diskFault = (error: unknown, retryAfterMs: number): Fault =>
  new Fault(
    codes[errnoOf(error)] ?? 'ERR_JOURNAL_DISK',
    `cannot write the journal: ${messageOf(error)}`,
    { remedy: 'retry', retryAfterMs, cause: error },
  );
