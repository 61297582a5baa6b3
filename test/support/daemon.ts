import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { engineParentDir } from './engine-dir.ts';

export interface Daemon {
  readonly dir: string;
  readonly pid: number;
  readonly listen: {
    readonly otlp_http: string;
    readonly otlp_grpc: string;
    readonly console: string;
    readonly sql: string;
  };
  /** Everything said so far, banner and log. */
  readonly output: () => string;
  readonly api: (method: string, path: string, body?: unknown) => Promise<ApiAnswer>;
  /** People's SQL, as the read-only user. */
  readonly sql: (query: string) => Promise<string>;
  readonly kill: (signal: NodeJS.Signals) => Promise<number | null>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface DaemonFiles {
  readonly 'tocsin.yaml'?: string;
  readonly 'alerting.yaml'?: string;
  readonly 'rules.yaml'?: string;
}

/** A directory for one daemon's files and data, gone with the test; in memory if that can be. */
export const daemonDir = (t: Pick<Test, 'teardown'>, files: DaemonFiles = {}): string =>
  makeDir(t, files, engineParentDir());

/** The same on a disk, for what journals promise and for what is measured. */
export const daemonDirOnDisk = (t: Pick<Test, 'teardown'>, files: DaemonFiles = {}): string =>
  makeDir(t, files, tmpdir());

const makeDir = (t: Pick<Test, 'teardown'>, files: DaemonFiles, parentDir: string): string => {
  const dir = mkdtempSync(join(parentDir, 'tocsin-up-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
};

/** `tocsin up` as a user starts it, on free ports, ended with the test. Call again to start anew. */
export const startDaemon = (
  t: Pick<Test, 'teardown'>,
  dir: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Daemon> => start(t, dir, ['up', '--data-dir', join(dir, 'data')], environment);

/** `tocsin serve` beside a ClickHouse and a Redis that the file names; `sql` is not for it. */
export const startReplica = (
  t: Pick<Test, 'teardown'>,
  dir: string,
  roles = 'ingest,evaluate,notify,console',
): Promise<Daemon> =>
  start(t, dir, ['serve', '--roles', roles], { TOCSIN_DATA_DIR: mkdtempSync(join(dir, 'data-')) });

const start = async (
  t: Pick<Test, 'teardown'>,
  dir: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Daemon> => {
  const child = spawn('src/tocsin.sh', [...command, '--config', join(dir, 'tocsin.yaml')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      TOCSIN_LISTEN_OTLP_HTTP: '127.0.0.1:0',
      TOCSIN_LISTEN_OTLP_GRPC: '127.0.0.1:0',
      TOCSIN_LISTEN_CONSOLE: '127.0.0.1:0',
      TOCSIN_LISTEN_SQL: '127.0.0.1:0',
      ...environment,
    },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (process.env['TOCSIN_TEST_LOG']) child.stderr.pipe(process.stderr);
  t.teardown(() => end(child, exited));

  const consoleUrl = await within(60_000, () => {
    if (child.exitCode !== null) throw new Error(`the daemon ended: ${output}`);
    return /console\s+(http:\/\/\S+?)\/?\s/.exec(output)?.[1];
  });
  const api = apiOf(consoleUrl, environment['TOCSIN_KEY']);
  await within(30_000, async () =>
    (await api('GET', '/health/ready')).status === 200 ? true : undefined,
  );
  const status = (await api('GET', '/api/v1/status')).body as { listen: Daemon['listen'] };

  return {
    dir,
    pid: child.pid ?? 0,
    listen: status.listen,
    output: () => output,
    api,
    sql: async (query) => {
      const credentials = readFileSync(join(dir, 'data', 'sql.credentials'), 'utf8');
      const password = /password=(.*)/.exec(credentials)?.[1] ?? '';
      const answer = await fetch(
        `http://${status.listen.sql}/?query=${encodeURIComponent(query)}`,
        {
          headers: { 'X-ClickHouse-User': 'viewer', 'X-ClickHouse-Key': password },
        },
      );
      return (await answer.text()).trim();
    },
    kill: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
};

/** Asks until there is an answer other than undefined; the message of a time-out says what was awaited. */
export const within = async <T>(
  limitMs: number,
  ask: () => Promise<T | undefined> | T | undefined,
  what = 'what was awaited did not come',
): Promise<T> => {
  const endMs = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > endMs) throw new Error(`${what} within ${limitMs} ms`);
    await sleep(50);
  }
};

const apiOf =
  (base: string, key: string | undefined): Daemon['api'] =>
  async (method, path, body) => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  };

const end = async (child: ChildProcess, exited: Promise<unknown>): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  const late = sleep(15_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'));
  await Promise.race([exited, late]);
};
