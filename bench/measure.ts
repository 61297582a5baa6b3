import { createHash } from 'node:crypto';
import { cpus, loadavg } from 'node:os';

export interface Bench {
  /** One line per result, ready to print. `quick` is small enough for the test suite. */
  readonly run: (quick: boolean) => Promise<readonly string[]>;
}

export interface Contender {
  readonly name: string;
  /** Does the work once and returns how many items that were. */
  readonly work: () => number;
}

export interface Rounds {
  /** Each contender warms up for at least this long. */
  readonly warmUpMs: number;
  readonly rounds: number;
}

/**
 * Process CPU time (user and system, so that garbage collection is charged) in µs per item: the
 * median over rounds in which the contenders take turns, so that a busy moment hits all of them.
 */
export const cpuMicrosPerItem = (
  contenders: readonly Contender[],
  { warmUpMs, rounds }: Rounds,
): readonly number[] => {
  for (const { work } of contenders) {
    const untilMs = performance.now() + warmUpMs;
    do work();
    while (performance.now() < untilMs);
  }
  const samples = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { work }] of contenders.entries()) {
      const before = process.cpuUsage();
      const items = work();
      const used = process.cpuUsage(before);
      samples[index]?.push((used.user + used.system) / items);
    }
  }
  return samples.map(median);
};

/** Says where figures come from: they compare within a run, hardly between machines. */
export const machineLine = (): string => {
  const [cpu, ...others] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  return `machine: ${others.length + 1} × ${cpu?.model.trim()}, node ${process.version}, load ${load}`;
};

/** Proof that the work was done, and whether it is the same work as last time. */
export const shortHash = (parts: Iterable<Uint8Array | string>): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 12);
};

export const median = (samples: readonly number[]): number =>
  samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
