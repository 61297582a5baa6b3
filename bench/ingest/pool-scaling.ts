import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { median } from '../measure.ts';
import type { PoolRound } from './pool-stage.ts';
import { daemonEnvironment, daemonFlags, message } from './run-stage.ts';

export interface PoolScale {
  readonly workers: number;
  readonly itemsPerSecond: number;
  /** Against one worker, medians of rounds next to each other. */
  readonly factor: number;
  /** CPU µs per item: of all threads, of the main one. */
  readonly micros: number;
  readonly mainMicros: number;
  /** Cores that were busy with it: on a machine that others use too, the wall clock shows less. */
  readonly coresBusy: number;
  /** What the factor comes to when each worker has a core: as many, times what one pays for others. */
  readonly cpuFactor: number;
}

export interface PoolScalingSize {
  readonly requests: number;
  readonly rounds: number;
  readonly roundMs: number;
}

const program = new URL('pool-stage.ts', import.meta.url);

/** The pool with 1, 2, 4 … workers, up to one for each core; one at a time, taking turns. */
export const runPoolScaling = async (size: PoolScalingSize): Promise<readonly PoolScale[]> => {
  const counts = workerCounts(availableParallelism());
  const children = counts.map((workers) =>
    fork(program, [String(workers), String(size.requests)], {
      execArgv: [...daemonFlags()],
      env: daemonEnvironment(),
    }),
  );
  try {
    await Promise.all(children.map((it) => message<'ready'>(it)));
    for (const child of children) await roundOf(child, size.roundMs * 2);
    const rounds: PoolRound[][] = children.map(() => []);
    for (let round = 0; round < size.rounds; round += 1) {
      for (const [index, child] of children.entries()) {
        rounds[index]?.push(await roundOf(child, size.roundMs));
      }
    }
    const alone = rounds[0] ?? [];
    return counts.map((workers, index) => scaleOf(workers, rounds[index] ?? [], alone));
  } finally {
    for (const child of children) child.disconnect();
  }
};

const workerCounts = (cores: number): readonly number[] => {
  const counts: number[] = [];
  for (let workers = 1; workers < cores; workers *= 2) counts.push(workers);
  return [...counts, cores];
};

const roundOf = (child: ChildProcess, ms: number): Promise<PoolRound> => {
  const told = message<PoolRound>(child);
  child.send(ms);
  return told;
};

const speed = ({ items, wallMicros }: PoolRound): number => items / wallMicros;

const scaleOf = (
  workers: number,
  rounds: readonly PoolRound[],
  alone: readonly PoolRound[],
): PoolScale => {
  const medianOf = (figure: (round: PoolRound) => number) => median(rounds.map(figure));
  const micros = ({ cpuMicros, items }: PoolRound): number => cpuMicros / items;
  return {
    workers,
    itemsPerSecond: medianOf(speed) * 1e6,
    factor: median(rounds.map((it, n) => speed(it) / speed(alone[n] ?? it))),
    micros: medianOf(micros),
    mainMicros: medianOf((it) => it.mainMicros / it.items),
    coresBusy: medianOf((it) => it.cpuMicros / it.wallMicros),
    cpuFactor: workers * median(rounds.map((it, n) => micros(alone[n] ?? it) / micros(it))),
  };
};
