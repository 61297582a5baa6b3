import { type DestinationStream, pino } from 'pino';
import pretty from 'pino-pretty';

export type LogFields = Readonly<Record<string, unknown>>;

/** Events, not prose: `log.warn('insert_retried', { table, attempt })`. Never once per row. */
export interface Log {
  readonly debug: (event: string, fields?: LogFields) => void;
  readonly info: (event: string, fields?: LogFields) => void;
  readonly warn: (event: string, fields?: LogFields) => void;
  readonly error: (event: string, fields?: LogFields) => void;
  /** A log whose every line carries these fields, such as a correlation id. */
  readonly child: (fields: LogFields) => Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  /** Human lines for a terminal; JSON lines otherwise. */
  readonly readable: boolean;
  readonly stream: NodeJS.WritableStream;
}

/** Structured log on pino. An `error` field keeps type, message, code, stack and cause. */
export const createLog = (options: LogOptions): Log => {
  const destination: DestinationStream = options.readable
    ? pretty({
        destination: options.stream,
        colorize: true,
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss.l',
        sync: true,
      })
    : options.stream;
  const root = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'event',
      serializers: { error: pino.stdSerializers.err },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    destination,
  );
  return wrap(root, options.readable ? asMessage : asFirstField);
};

interface PinoLike {
  debug(fields: LogFields, event?: string): void;
  info(fields: LogFields, event?: string): void;
  warn(fields: LogFields, event?: string): void;
  error(fields: LogFields, event?: string): void;
  child(fields: LogFields): PinoLike;
}

type Arrange = (event: string, fields: LogFields) => [fields: LogFields, event?: string];

const asMessage: Arrange = (event, fields) => [fields, event];

/** Pino puts its message last; before its fields an event is found sooner. */
const asFirstField: Arrange = (event, fields) => [{ event, ...fields }];

const wrap = (logger: PinoLike, arrange: Arrange): Log => ({
  debug: (event, fields = {}) => logger.debug(...arrange(event, fields)),
  info: (event, fields = {}) => logger.info(...arrange(event, fields)),
  warn: (event, fields = {}) => logger.warn(...arrange(event, fields)),
  error: (event, fields = {}) => logger.error(...arrange(event, fields)),
  child: (fields) => wrap(logger.child(fields), arrange),
});

/** Says nothing; for tests and for library use. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};
