import { machineLine } from '../measure.ts';
import { type BenchEngine, withBenchEngine } from './engine.ts';
import { candidates, levels, type Sketch } from './sketches-candidates.ts';
import { bareCosts, type CostSize, costOf, prepareCosts } from './sketches-costs.ts';
import { errorsOf, prepareErrors, type SketchError } from './sketches-errors.ts';

/** Which percentile sketch the tiers keep: issue 4, item 2. */
export const compareSketches = (quick: boolean, print: (line: string) => void): Promise<void> =>
  withBenchEngine(async (engine) => {
    print(machineLine());
    await prepareErrors(engine, quick);
    await printErrors(engine, print);
    const size: CostSize = quick
      ? { spans: 100_000, rounds: 1, hours: 24 }
      : { spans: 1_000_000, rounds: 3, hours: 720 };
    await prepareCosts(engine, size);
    await printCosts(engine, size, print);
  });

const percent = (share: number): string =>
  `${(share * 100).toFixed(share < 0.1 ? 2 : 0)} %`.padStart(9);

const named = (sketch: Sketch): string => sketch.name.padEnd(50);

const printErrors = async (engine: BenchEngine, print: (line: string) => void): Promise<void> => {
  print('\nrelative error, worst over shapes and groups, after 1m → 1h → 1d');
  print(
    `${''.padEnd(50)} ${levels.map((it) => `p${it * 100}`.padStart(9)).join(' ')} | mean | by values per group`,
  );
  for (const sketch of candidates) {
    const found = await errorsOf(engine, sketch, 'tiers', false);
    const shuffled = await errorsOf(engine, sketch, 'shuffled', false);
    const weighted =
      sketch.weights === 'no' ? undefined : await errorsOf(engine, sketch, 'tiers', true);
    print(
      [
        `${named(sketch)} ${worstByLevel(found).map(percent).join(' ')}`,
        `mean ${percent(meanOf(found))}`,
        found.map((it) => `${it.size}:${percent(Math.max(...it.worst)).trim()}`).join('  '),
        `shuffled ${percent(worstOf(shuffled)).trim()}`,
        `weighted ${weighted ? percent(worstOf(weighted)).trim() : 'no'} (${sketch.weights})`,
      ].join(' | '),
    );
  }
};

const worstByLevel = (found: readonly SketchError[]): readonly number[] =>
  levels.map((_, index) => Math.max(...found.map((it) => it.worst[index] ?? Number.NaN)));

const worstOf = (found: readonly SketchError[]): number => Math.max(...worstByLevel(found));

/** Every size counts the same: there are many more small groups than large ones. */
const meanOf = (found: readonly SketchError[]): number => {
  const means = found.flatMap((it) => it.mean);
  return means.reduce((sum, it) => sum + it, 0) / means.length;
};

const printCosts = async (
  engine: BenchEngine,
  size: CostSize,
  print: (line: string) => void,
): Promise<void> => {
  const [bare, none] = await bareCosts(engine, size);
  print(
    `\nview without percentiles ${bare.toFixed(3)} µs/span, no view ${none.toFixed(3)} µs/span; beyond that:`,
  );
  for (const sketch of candidates) {
    const cost = await costOf(engine, sketch, size);
    print(
      [
        named(sketch),
        `insert ${cost.insertMicros.toFixed(3)} µs/span`,
        `1m ${cost.minuteBytes.toFixed(1).padStart(6)} B/state`,
        `1h ${cost.hourBytes.toFixed(1).padStart(6)} B/state`,
        `merge ${cost.mergeMicros.toFixed(2)} µs/state`,
        `1m→1h ${cost.rollMicros.toFixed(2)} µs/state`,
        `p99 ${cost.readMs.toFixed(0)} ms of ${cost.readStates} states`,
      ].join(' | '),
    );
  }
};
