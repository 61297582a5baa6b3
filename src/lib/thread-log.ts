import type { Log, LogFields } from './log.ts';
import { fromPlainError, type PlainError, toPlainError } from './plain-error.ts';

export type LogLine = {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly event: string;
  readonly fields: LogFields;
  /** The fields that were errors. */
  readonly errors: Readonly<Record<string, PlainError>>;
};

/** A log in a thread: every line is given to `post` as plain data, for `writeLine` to write. */
export const createPostedLog = (post: (line: LogLine) => void, base: LogFields = {}): Log => {
  const at =
    (level: LogLine['level']) =>
    (event: string, fields: LogFields = {}): void => {
      const entries = Object.entries({ ...base, ...fields });
      const errors = entries.filter(([, value]) => value instanceof Error);
      const others = entries.filter(([, value]) => !(value instanceof Error));
      post({
        level,
        event,
        fields: Object.fromEntries(others.map(([key, value]) => [key, plain(value)])),
        errors: Object.fromEntries(errors.map(([key, value]) => [key, toPlainError(value)])),
      });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => createPostedLog(post, { ...base, ...fields }),
  };
};

export const writeLine = (log: Log, { level, event, fields, errors }: LogLine): void => {
  const restored = Object.entries(errors).map(([key, value]) => [key, fromPlainError(value)]);
  log[level](event, { ...fields, ...Object.fromEntries(restored) });
};

/** What cannot be sent to another thread must not break the part that logs it. */
const plain = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'function' || typeof value === 'symbol' ? String(value) : value;
  }
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    return '<cannot be logged>';
  }
};
