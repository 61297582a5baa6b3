import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Signal } from '../../src/model/ingest.ts';
import { type Daemon, daemonDirOnDisk, startDaemon } from '../../test/support/daemon.ts';
import { fixedPorts, ingestOnly } from '../../test/support/ingest-under-fire.ts';
import { descendantsOf } from '../../test/support/processes.ts';
import { type LoadOptions, quantile, runLoad } from '../load/run.ts';
import { isSound, verdictLine, verifyLoad } from '../load/verify.ts';
import { cpuMicrosOf, residentMiB } from './process-cpu.ts';

export interface WholePath {
  readonly signal: Signal;
  readonly way: string;
  readonly itemsPerSecond: number;
  /** CPU µs per item: the daemon with all its threads, and ClickHouse without merges and jobs. */
  readonly daemonMicros: number;
  readonly engineMicros: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  readonly daemonMiB: number;
  /** Empty when every acknowledged item is stored once. */
  readonly unsound: string;
}

export interface WholePathSize {
  readonly seconds: number;
  readonly itemsPerSecond: number;
  /** Measured; the median counts. */
  readonly turns: number;
}

export interface WholePathReport {
  readonly paths: readonly WholePath[];
  /** The first two again with no more tables than the Collector's exporter fills. */
  readonly rawPaths: readonly WholePath[];
  /** Neither merges nor jobs ran. */
  readonly quiet: boolean;
  /**
   * Items a second that one sender without a rate got stored, the rest of the journal included, which
   * acknowledges faster than ClickHouse takes: half of it is half load.
   */
  readonly mostPerSecond: number;
  readonly halfLoad: { readonly p50Ms: number; readonly p99Ms: number };
}

type Way = Pick<LoadOptions, 'signal' | 'protocol' | 'coding'>;

const byCost = (a: WholePath, b: WholePath): number =>
  a.daemonMicros + a.engineMicros - b.daemonMicros - b.engineMicros;

const ways: readonly Way[] = [
  { signal: 'traces', protocol: 'http', coding: 'gzip' },
  { signal: 'traces', protocol: 'grpc', coding: 'identity' },
  { signal: 'metrics', protocol: 'grpc', coding: 'identity' },
  { signal: 'logs', protocol: 'grpc', coding: 'identity' },
];

/** A daemon as `tocsin up` starts it, under the load generator. */
export const runWholePath = async (size: WholePathSize): Promise<WholePathReport> => {
  const ends: (() => unknown)[] = [];
  const t = { teardown: (end: () => unknown) => void ends.unshift(end) };
  try {
    const dir = daemonDirOnDisk(t, ingestOnly);
    const environment = await fixedPorts();
    const daemon = await startDaemon(t, dir, environment);
    const quiet = await stopBackgroundWork(daemon);
    const base = {
      batch: 512,
      seconds: size.seconds,
      rate: size.itemsPerSecond,
      connections: 8,
      streams: 4,
      insistMs: 30_000,
    };
    const endpoint = (protocol: 'http' | 'grpc') =>
      new URL(`http://${protocol === 'grpc' ? daemon.listen.otlp_grpc : daemon.listen.otlp_http}`);
    let seed = 0;
    /** In turns, so that a busy moment does not hit one way alone; the first turn only warms up. */
    const measure = async (which: readonly Way[]): Promise<readonly WholePath[]> => {
      const samples = which.map((): WholePath[] => []);
      for (let turn = 0; turn <= size.turns; turn += 1) {
        for (const [index, way] of which.entries()) {
          const options = { ...base, ...way, endpoint: endpoint(way.protocol), seed: (seed += 1) };
          const path = await runWay(daemon, options);
          if (turn > 0) samples[index]?.push(path);
        }
      }
      return samples.flatMap((it) => it.toSorted(byCost)[Math.floor(it.length / 2)] ?? []);
    };
    const paths = await measure(ways);
    const isRaw = await dropViews(daemon, derivedViews);
    const rawPaths = isRaw ? await measure(ways.slice(0, 2)) : [];
    const grpc = { ...base, protocol: 'grpc', coding: 'identity', signal: 'traces' } as const;
    const to = endpoint('grpc');
    const mostPerSecond = await sustained(daemon, { ...grpc, endpoint: to, rate: 0, seed: 101 });
    const half = await runLoad({ ...grpc, endpoint: to, rate: mostPerSecond / 2, seed: 102 });
    const [p50Ms, p99Ms] = [quantile(half.latenciesMs, 0.5), quantile(half.latenciesMs, 0.99)];
    return { paths, rawPaths, quiet, mostPerSecond, halfLoad: { p50Ms, p99Ms } };
  } finally {
    for (const end of ends) await end();
  }
};

const storedMsMax = 120_000;

/** Spans a second from the first request to the last row in ClickHouse. */
const sustained = async (daemon: Daemon, options: LoadOptions): Promise<number> => {
  const stored = async () => Number(await daemon.sql('SELECT count() FROM otel.otel_traces'));
  const before = await stored();
  const sinceMs = performance.now();
  const { itemsAcknowledged } = await runLoad(options);
  while ((await stored()) < before + itemsAcknowledged) {
    if (performance.now() - sinceMs > storedMsMax) throw new Error('the journal does not drain');
    await sleep(50);
  }
  return (itemsAcknowledged * 1000) / (performance.now() - sinceMs);
};

const runWay = async (daemon: Daemon, options: LoadOptions): Promise<WholePath> => {
  const engines = descendantsOf(daemon.pid);
  const cpu = () => ({
    daemon: cpuMicrosOf(daemon.pid),
    engine: engines.reduce((sum, pid) => sum + cpuMicrosOf(pid), 0),
  });
  const before = cpu();
  const report = await runLoad(options);
  // What is acknowledged from a journal is inserted a moment later.
  await sleep(1_500);
  const after = cpu();
  const verdict = await verifyLoad(report.record, daemon.sql);
  const items = report.itemsAcknowledged;
  return {
    signal: options.signal,
    way: options.protocol === 'grpc' ? 'gRPC' : `HTTP ${options.coding}`,
    itemsPerSecond: items / report.seconds,
    daemonMicros: (after.daemon - before.daemon) / items,
    engineMicros: (after.engine - before.engine) / items,
    latencyP50Ms: quantile(report.latenciesMs, 0.5),
    latencyP99Ms: quantile(report.latenciesMs, 0.99),
    daemonMiB: residentMiB(daemon.pid),
    unsound: isSound(verdict) ? '' : verdictLine(verdict),
  };
};

/**
 * Merges cost as much again, later, and so do jobs that derive edges and summaries from whole minutes:
 * both are measured apart. Jobs find no work when nobody notes what arrived.
 */
const stopBackgroundWork = async (daemon: Daemon): Promise<boolean> =>
  (await command(daemon, 'SYSTEM STOP MERGES')) && dropViews(daemon, "name LIKE '%\\_arrivals%'");

const derivedViews = "name NOT LIKE 'otel\\_%'";

const dropViews = async (daemon: Daemon, which: string): Promise<boolean> => {
  const found = await daemon.sql(
    `SELECT name FROM system.tables WHERE database = 'otel' AND engine = 'MaterializedView' AND ${which}`,
  );
  const views = found.split('\n').filter((it) => it !== '');
  const done: boolean[] = [];
  for (const view of views) done.push(await command(daemon, `DROP TABLE otel.${view} SYNC`));
  return views.length > 0 && !done.includes(false);
};

/** As the daemon's own user. */
const command = async (daemon: Daemon, body: string): Promise<boolean> => {
  const file = join(daemon.dir, 'data', 'clickhouse', 'daemon.credentials');
  const text = readFileSync(file, 'utf8');
  const entry = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  const answer = await fetch(`http://${daemon.listen.sql}/`, {
    method: 'POST',
    body,
    headers: { 'X-ClickHouse-User': entry('user'), 'X-ClickHouse-Key': entry('password') },
  });
  await answer.text();
  return answer.ok;
};
