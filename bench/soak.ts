import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { daemonDirOnDisk, startDaemon } from '../test/support/daemon.ts';
import { fixedPorts, ingestOnly } from '../test/support/ingest-under-fire.ts';
import { residentMiB } from './ingest/process-cpu.ts';
import { quantile, runLoad } from './load/run.ts';
import { machineLine } from './measure.ts';

const residentMiBMax = 600;
/** Over the second half, of its mean; more is not flat. */
const growthShareMax = 0.05;
const sampleEveryMs = 1_000;

/**
 * `soak [--minutes 10] [--rate 150000] [--protocol http|grpc]`: a daemon as `tocsin up` starts it under
 * a steady load of spans, ClickHouse with its merges beside it. Prints the daemon's resident memory
 * each minute; 1 when it passes 600 MiB, grows, or an acknowledged span is missing.
 */
export const soakCommand = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      rate: { type: 'string', default: '150000' },
      protocol: { type: 'string', default: 'http' },
    },
  });
  const protocol = values.protocol === 'grpc' ? 'grpc' : 'http';
  const ends: (() => unknown)[] = [];
  const t = { teardown: (end: () => unknown) => void ends.unshift(end) };
  try {
    const daemon = await startDaemon(t, daemonDirOnDisk(t, ingestOnly), await fixedPorts());
    const address = protocol === 'grpc' ? daemon.listen.otlp_grpc : daemon.listen.otlp_http;
    const samples: number[] = [];
    const over = new AbortController();
    const sampling = sampleMemory(daemon.pid, samples, over.signal);
    console.log(machineLine());
    const report = await runLoad({
      endpoint: new URL(`http://${address}`),
      protocol,
      coding: protocol === 'grpc' ? 'identity' : 'gzip',
      signal: 'traces',
      seed: 7,
      rate: Number(values.rate),
      seconds: Number(values.minutes) * 60,
      batch: 512,
      connections: 8,
      streams: 4,
      insistMs: 60_000,
    });
    over.abort();
    await sampling;
    const acknowledged = report.itemsAcknowledged;
    const stored = await storedSpans(daemon.sql, acknowledged);
    const half = samples.slice(samples.length / 2);
    const growthShare = (slopeOf(half) * half.length) / meanOf(half);
    const most = Math.max(...samples);
    const rate = Math.round(acknowledged / report.seconds);
    const [p50, p99] = [0.5, 0.99].map((q) => quantile(report.latenciesMs, q).toFixed(1));
    console.log(
      `${acknowledged} spans acknowledged, ${rate}/s, p50 ${p50} ms, p99 ${p99} ms; ${stored} stored`,
    );
    console.log(
      `resident: most ${most.toFixed(0)} MiB (≤ ${residentMiBMax}), mean of the second half ` +
        `${meanOf(half).toFixed(0)} MiB, which changes by ${(growthShare * 100).toFixed(1)} % over it`,
    );
    return most <= residentMiBMax && growthShare <= growthShareMax && stored === acknowledged
      ? 0
      : 1;
  } finally {
    for (const end of ends) await end();
  }
};

/** A sample a second, and a line a minute, until `over`. */
const sampleMemory = async (pid: number, samples: number[], over: AbortSignal): Promise<void> => {
  while (!over.aborted) {
    samples.push(residentMiB(pid));
    if (samples.length % 60 === 0) {
      const minute = samples.slice(-60);
      const [mean, most] = [meanOf(minute).toFixed(0), Math.max(...minute).toFixed(0)];
      console.log(`minute ${samples.length / 60}: mean ${mean} MiB, most ${most} MiB`);
    }
    await sleep(sampleEveryMs, undefined, { signal: over }).catch(() => {});
  }
};

/** What is acknowledged from a journal is inserted a moment later. */
const storedSpans = async (
  sql: (query: string) => Promise<string>,
  expected: number,
): Promise<number> => {
  let stored = 0;
  for (let tries = 0; tries < 120 && stored < expected; tries += 1) {
    await sleep(1_000);
    stored = Number(await sql('SELECT count() FROM otel.otel_traces'));
  }
  return stored;
};

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, it) => sum + it, 0) / values.length;

/** By least squares, per sample. */
const slopeOf = (values: readonly number[]): number => {
  const middle = (values.length - 1) / 2;
  const mean = meanOf(values);
  const over = values.reduce((sum, it, index) => sum + (index - middle) * (it - mean), 0);
  const under = values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  return over / under;
};
