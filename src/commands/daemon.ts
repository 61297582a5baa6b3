import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { z } from '../lib/document.ts';
import { Fault } from '../lib/fault.ts';
import type { HttpRequest, HttpResponse } from '../lib/http-client.ts';
import type { Io } from './io.ts';
import { readArgument, usageFault } from './io.ts';

const answerBytesMax = 16 * 1024 * 1024;
const defaultTimeoutMs = 10_000;
const defaultUrl = 'http://127.0.0.1:9900';

export interface DaemonOptions {
  readonly url?: string;
  readonly keyFile?: string;
}

/** `--url`, for commands that talk to a running daemon. */
export const urlOption = (): Option =>
  new Option('--url <url>', `console of the daemon (TOCSIN_URL, or ${defaultUrl})`);

/** `--key-file`: never the key itself, which other users of the machine could read in the list of processes. */
export const keyFileOption = (): Option =>
  new Option(
    '--key-file <file>',
    'file with a key for the API (TOCSIN_KEY_FILE; or TOCSIN_KEY, the key)',
  );

export const jsonOption = (): Option => new Option('--json', 'print JSON');

/** Who does it, for commands that leave a trace. */
export const byOption = (): Option =>
  new Option('--by <name>', 'who you are (TOCSIN_BY, or your login)');

export const byOf = (io: Io, given: string | undefined): string => {
  const { TOCSIN_BY, USER, LOGNAME } = io.environment;
  const name = [given, TOCSIN_BY, USER, LOGNAME].find((it) => it !== undefined && it.trim() !== '');
  if (name === undefined) throw usageFault('say who you are: --by NAME or TOCSIN_BY');
  return name;
};

interface Call<A extends z.ZodType> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** From `/api/v1/` on; parts that come from arguments are encoded by the caller. */
  readonly path: string;
  readonly body?: object;
  readonly answer: A;
  readonly timeoutMs?: number;
}

const refusal = z.object({
  error: z.object({
    code: z.templateLiteral(['ERR_', z.string()]),
    message: z.string(),
    details: z.array(z.object({ at: z.string(), message: z.string() })),
  }),
});

/**
 * One call of the API. Rejects with the daemon's own refusal as a Fault, with the client's when it
 * cannot be reached, with ERR_NOT_TOCSIN when something else answers.
 */
export const callDaemon = async <A extends z.ZodType>(
  io: Io,
  options: DaemonOptions,
  call: Call<A>,
): Promise<z.output<A>> => {
  const url = (options.url ?? (io.environment['TOCSIN_URL'] || defaultUrl)).replace(/\/+$/, '');
  const key = keyOf(io, options);
  const response = await reach(io, url, {
    method: call.method,
    url: `${url}/api/v1/${call.path}`,
    headers: {
      ...(call.body && { 'content-type': 'application/json' }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    },
    ...(call.body && { body: JSON.stringify(call.body) }),
    timeoutMs: call.timeoutMs ?? defaultTimeoutMs,
    responseBytesMax: answerBytesMax,
  });
  const value = jsonOf(response.text);
  const refused = refusal.safeParse(value);
  if (refused.success) throw faultOf(refused.data);
  const answer = response.status === 200 ? call.answer.safeParse(value) : undefined;
  if (answer?.success) return answer.data;
  const message = `${url} answered ${response.status} with something that is not Tocsin's API`;
  throw new Fault('ERR_NOT_TOCSIN', message, { remedy: 'reject' });
};

/** A file that was asked for by name wins over a key that happens to be in the environment. */
const keyOf = (io: Io, { keyFile }: DaemonOptions): string | undefined => {
  const { TOCSIN_KEY: key, TOCSIN_KEY_FILE: otherFile } = io.environment;
  const file = keyFile ?? (key ? undefined : otherFile);
  if (!file) return key ? key : undefined;
  const text = readArgument(file, (path) => readFileSync(path, 'utf8')).trim();
  if (/^\S+$/.test(text)) return text;
  throw usageFault(`${file} holds no key`);
};

const reach = async (io: Io, url: string, request: HttpRequest): Promise<HttpResponse> => {
  try {
    return await io.http(request);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'ERR_HTTP_UNREACHABLE') throw error;
    const message = `no daemon answers at ${url}: start it, or name another with --url`;
    throw new Fault(error.code, message, { remedy: 'retry', cause: error });
  }
};

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** The daemon's message is that of its first detail; with more, each gets a line. */
const faultOf = ({ error }: z.output<typeof refusal>): Fault => {
  const lines = error.details.map(({ at, message }) => (at === '' ? message : `${at}: ${message}`));
  const hint = error.code === 'ERR_KEY_MISSING' ? ' (TOCSIN_KEY or --key-file)' : '';
  const message = lines.length > 1 ? lines.join('\n') : `${error.message}${hint}`;
  return new Fault(error.code, message, { remedy: 'reject' });
};
