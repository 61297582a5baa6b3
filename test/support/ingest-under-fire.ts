import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { type LoadReport, runLoad } from '../../bench/load/run.ts';
import { type AskSql, verdictLine, verifyLoad } from '../../bench/load/verify.ts';
import type { Random } from '../../src/lib/backoff.ts';
import { type Daemon, type DaemonFiles, startDaemon, within } from './daemon.ts';
import { descendantsOf } from './processes.ts';
import { type RecordingService, recordingService } from './recording-service.ts';
import { killWorker } from './worker-kill.ts';

/** Only what ingests: no rules, and no telemetry of the daemon's own among what is counted. */
export const ingestOnly: DaemonFiles = {
  'tocsin.yaml': 'rules: {files: []}\ntelemetry: {export: off}\n',
};

/**
 * Processes are killed with -9, a worker thread is ended from outside, and an engine that is only
 * stopped goes on after a while.
 */
export const victims = [
  'daemon',
  'worker',
  'clickhouse',
  'redis',
  'all',
  'stopped engine',
  'worker beside a stopped engine',
] as const;
export type Victim = (typeof victims)[number];

/** Ports that stay the same over restarts, so that senders find the daemon again. */
export const fixedPorts = async (): Promise<Readonly<Record<string, string>>> => {
  const [http = 0, grpc = 0] = await freePorts(2);
  return {
    TOCSIN_LISTEN_OTLP_HTTP: `127.0.0.1:${http}`,
    TOCSIN_LISTEN_OTLP_GRPC: `127.0.0.1:${grpc}`,
  };
};

export interface Fire {
  readonly services: readonly RecordingService[];
  /** Ends the load; resolves when every request is answered or given up. */
  readonly cease: () => Promise<Ceased>;
}

export interface Ceased {
  readonly reports: readonly LoadReport[];
  readonly services: readonly RecordingService[];
}

export interface FireOptions {
  readonly seed: number;
  /** Items a second for each of three generators. */
  readonly rate: number;
  readonly environment: Readonly<Record<string, string>>;
}

const insistMs = 60_000;

/** Traces, metrics and logs over both protocols from the generator, traces from two real exporters. */
export const openFire = (
  t: Pick<Test, 'teardown'>,
  { seed, rate, environment }: FireOptions,
): Fire => {
  const http = environment['TOCSIN_LISTEN_OTLP_HTTP'] ?? '';
  const grpc = environment['TOCSIN_LISTEN_OTLP_GRPC'] ?? '';
  const ending = new AbortController();
  const common = { rate, seconds: 3_600, batch: 64, connections: 3, streams: 2 };
  const running = (
    [
      { signal: 'traces', protocol: 'http', coding: 'identity' },
      { signal: 'metrics', protocol: 'http', coding: 'gzip' },
      { signal: 'logs', protocol: 'grpc', coding: 'identity' },
    ] as const
  ).map((kind) =>
    runLoad({
      ...common,
      ...kind,
      seed,
      insistMs,
      answerMsMax: 15_000,
      endpoint: new URL(`http://${kind.protocol === 'grpc' ? grpc : http}`),
      stop: ending.signal,
    }),
  );
  const services = [
    recordingService(`exporter-http-${seed}`, 'http/protobuf', http),
    recordingService(`exporter-grpc-${seed}`, 'grpc', grpc),
  ];
  const cease = async (): Promise<Ceased> => {
    ending.abort();
    const [reports] = await Promise.all([Promise.all(running), ...services.map((it) => it.stop())]);
    return { reports, services };
  };
  // A test that fails early must not go on firing.
  t.teardown(() => {
    ending.abort();
    for (const it of services) void it.stop();
  });
  return { services, cease };
};

export interface Blow {
  readonly victim: Victim;
  /** How long a stopped engine stands still. */
  readonly stoppedMs: number;
}

/** A daemon that died is started again on the same directory and ports; it is `inspectable`. */
export const strike = async (
  t: Pick<Test, 'teardown'>,
  daemon: Daemon,
  { victim, stoppedMs }: Blow,
  environment: Readonly<Record<string, string>>,
): Promise<Daemon> => {
  const children = descendantsOf(daemon.pid);
  if (victim === 'stopped engine' || victim === 'worker beside a stopped engine') {
    const engines = enginesOf(daemon);
    for (const pid of engines) tell(pid, 'SIGSTOP');
    const standing = sleep(stoppedMs);
    if (victim !== 'stopped engine') {
      // Its inserts lie before the engine, and its successor sends them as well.
      await sleep(stoppedMs / 4);
      await killWorker(daemon);
    }
    await standing;
    // When it stood still for long, the supervisor has given it up and killed it.
    for (const pid of engines) tell(pid, 'SIGCONT');
    await untilReady(daemon, victim);
    return daemon;
  }
  if (victim === 'worker') {
    await killWorker(daemon);
    return daemon;
  }
  const dead = {
    daemon: [],
    clickhouse: enginesOf(daemon),
    redis: children.filter((pid) => /(?:redis|valkey)-server/.test(commandOf(pid))),
    all: children,
  }[victim];
  for (const pid of dead) tell(pid, 'SIGKILL');
  if (victim === 'daemon' || victim === 'all') {
    await daemon.kill('SIGKILL');
    return startDaemon(t, daemon.dir, environment);
  }
  await untilReady(daemon, victim);
  return daemon;
};

const untilReady = (daemon: Daemon, victim: Victim): Promise<unknown> =>
  within(
    60_000,
    async () => ((await daemon.api('GET', '/health/ready')).status === 200 ? true : undefined),
    `the daemon was not ready after ${victim}`,
  );

/** A child of the daemon may have died of another's death before we reach it. */
const tell = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** Process ids of the daemon's ClickHouse. */
const enginesOf = (daemon: Daemon): readonly number[] =>
  descendantsOf(daemon.pid).filter((pid) => /engine\.ts/.test(commandOf(pid)));

const commandOf = (pid: number): string =>
  spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout;

/** Some moment under load: at least `msMin` from now. */
export const someMoment = (random: Random, msMin: number, msMax: number): Promise<unknown> =>
  sleep(msMin + random() * (msMax - msMin));

/**
 * Holds what was acknowledged against what is stored. A receiver with a journal also recognises a
 * request that is repeated because its answer got lost; one without is excused for these.
 */
export const checkNothingLost = async (
  t: Test,
  { reports, services }: Ceased,
  dataDir: string,
  ask: AskSql,
): Promise<void> => {
  const journaled = existsSync(join(dataDir, 'journal'));
  for (const { record, troubles, attempts } of reports) {
    // The last batch is on its way: wait for it, and then look for what should not be there.
    const verdict = await settled(async () => {
      const verdict = await verifyLoad(record, ask);
      return { verdict, isDone: verdict.missing.length === 0 };
    });
    t.comment(`${record.run}: ${verdictLine(verdict)}`);
    t.comment(`${record.run}: ${JSON.stringify(attempts)} ${JSON.stringify(troubles)}`);
    t.ok(verdict.acknowledged > 0, `${record.run} had something acknowledged`);
    t.strictSame(verdict.missing, [], `${record.run}: every acknowledged item is stored`);
    t.strictSame(verdict.doubled, [], `${record.run}: none is stored twice`);
    t.strictSame(verdict.extra, [], `${record.run}: and nothing else`);
    if (journaled) t.strictSame(verdict.doubledByRetry, [], `${record.run}: nor for a retry`);
  }
  for (const { name, acknowledged } of services) {
    const { counts } = await settled(async () => {
      const counts = await spansOf(name, ask);
      const isDone = acknowledged.values().every((it) => counts.has(it));
      return { verdict: { counts }, isDone };
    });
    const missing = [...acknowledged].filter((it) => !counts.has(it));
    const doubled = [...counts].filter(([, count]) => count > 1).length;
    t.comment(
      `${name}: ${acknowledged.size} acknowledged, ${counts.size} stored, ${doubled} doubled`,
    );
    t.ok(acknowledged.size > 0, `${name} had something acknowledged`);
    t.strictSame(missing, [], `${name}: every acknowledged span is stored`);
    if (journaled) t.equal(doubled, 0, `${name}: none is stored twice`);
  }
};

const settleMs = 15_000;

const settled = async <T>(
  look: () => Promise<{ readonly verdict: T; readonly isDone: boolean }>,
): Promise<T> => {
  const endMs = Date.now() + settleMs;
  for (;;) {
    const { verdict, isDone } = await look();
    if (isDone || Date.now() > endMs) return verdict;
    await sleep(200);
  }
};

const spansOf = async (service: string, ask: AskSql): Promise<ReadonlyMap<string, number>> => {
  const text = await ask(
    `SELECT SpanId, count() FROM otel.otel_traces WHERE ServiceName = '${service}' GROUP BY SpanId FORMAT TSV`,
  );
  const lines = text.split('\n').filter((it) => it !== '');
  return new Map(
    lines.map((line) => {
      const [id = '', count = ''] = line.split('\t');
      return [id, Number(count)] as const;
    }),
  );
};

const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  await Promise.all(servers.map((it) => new Promise((resolve) => it.close(resolve))));
  return ports;
};
