import type { BenchEngine } from './engine.ts';
import { levels, type Sketch } from './sketches-candidates.ts';

/** Uniform in (0, 1], the same at every run. */
const uniform = (salt: number): string =>
  `((sipHash64(number, ${salt}, shape, size) + 1) / 18446744073709551616)`;
const normal = `(sqrt(-2 * log(${uniform(1)})) * cos(2 * pi() * ${uniform(2)}))`;

/** Durations in ns, as services have them and as they do not wish to have them. */
const shapes: readonly (readonly [name: string, sql: string])[] = [
  ['lognormal 1', `exp(16 + ${normal})`],
  ['lognormal 2', `exp(16 + 2 * ${normal})`],
  ['pareto 1.1', `1e6 * pow(${uniform(3)}, -1 / 1.1)`],
  ['pareto 2', `1e6 * pow(${uniform(3)}, -1 / 2)`],
  ['with timeouts', `if(${uniform(4)} < 0.03, 3e10 + 1e6 * ${uniform(5)}, exp(16 + ${normal}))`],
  ['constant', `12345678.`],
  ['with zeros', `if(${uniform(4)} < 0.3, 0, exp(12 + 2 * ${normal}))`],
  ['1 ns to 2 days', `exp(log(1.728e14) * ${uniform(3)})`],
];

interface Size {
  readonly values: number;
  readonly groups: number;
}

const sizesOf = (quick: boolean): readonly Size[] =>
  [
    { values: 1, groups: 100 },
    { values: 3, groups: 100 },
    { values: 10, groups: 100 },
    { values: 100, groups: 50 },
    { values: 10_000, groups: 8 },
    { values: 1_000_000, groups: 1 },
  ].slice(0, quick ? 5 : 6);

/** A sampled span stands for 2^56 / (2^56 - T) others, which is seldom a whole number. */
const weight = `[1, 1.6, 10 / 3, 16][1 + sipHash64(number, 7, shape, size) % 4]`;

/** Values with the minute of the day each fell into, and what is true of each group. */
export const prepareErrors = async (engine: BenchEngine, quick: boolean): Promise<void> => {
  await engine.rows(`CREATE TABLE sketches.values
    (shape UInt8, size UInt32, grp UInt16, minute UInt16, weight Float64, value Float64)
    ENGINE = MergeTree ORDER BY (shape, size, grp)`);
  for (const [shape, [, sql]] of shapes.entries()) {
    for (const { values, groups } of sizesOf(quick)) {
      await engine.rows(`INSERT INTO sketches.values
        WITH ${shape} AS shape, ${values} AS size
        SELECT shape, size, intDiv(number, size), sipHash64(number, 6) % 1440, ${weight},
          toFloat64(floor(${sql}))
        FROM numbers(${values * groups})`);
    }
  }
  const bounds = 'Array(Tuple(Float64, Float64))';
  await engine.rows(`CREATE TABLE sketches.truths
    (shape UInt8, size UInt32, grp UInt16, plain ${bounds}, weighted ${bounds}) ENGINE = Memory`);
  for (const shape of shapes.keys()) {
    await engine.rows(`INSERT INTO sketches.truths SELECT shape, size, grp,
        ${boundsOf('arraySort(groupArray((value, 1.)))', plainRanks)},
        ${boundsOf('arraySort(groupArray((value, weight)))', weightedRanks)}
      FROM sketches.values WHERE shape = ${shape} GROUP BY shape, size, grp`);
  }
};

/** For each level the least and the greatest value that may be called its percentile. */
const boundsOf = (pairs: string, ranks: string): string =>
  `arrayMap(s -> arrayMap(q -> ${ranks}, [${levels.join(', ')}]), [${pairs}])[1]`;

/** Nearest rank and every interpolation between neighbours are right. */
const plainRanks = `(s[toUInt32(floor(q * (length(s) - 1))) + 1].1, s[toUInt32(ceil(q * (length(s) - 1))) + 1].1)`;

/** Nearest rank; 0.1 % of the rank is left to those who round weights. */
const reached = (share: string): string =>
  `s[arrayFirstIndex(c -> c >= least(1, q * ${share}) * arraySum(s.2) * (1 - 1e-12), arrayCumSum(s.2))].1`;
const weightedRanks = `(${reached('0.999')}, ${reached('1.001')})`;

/** `tiers`: 1 minute → 1 hour → 1 day. `shuffled`: uneven parts in no order. */
type Path = 'tiers' | 'shuffled';
const middleOf: Readonly<Record<Path, string>> = {
  tiers: 'intDiv(minute, 60)',
  shuffled: 'toUInt16(floor(sqrt(sipHash64(minute) % 1440)))',
};

export interface SketchError {
  readonly size: number;
  /** Relative, for each level, over all shapes and groups of that size. */
  readonly worst: readonly number[];
  readonly mean: readonly number[];
}

/** What is left of the truth after three levels of merging. */
export const errorsOf = (
  engine: BenchEngine,
  sketch: Sketch,
  path: Path,
  weighted: boolean,
): Promise<readonly SketchError[]> => {
  const bucket = sketch.bucket ? `, ${sketch.bucket('value')} AS Bucket` : '';
  const by = sketch.bucket ? ', Bucket' : '';
  const minutes = `SELECT shape, size, grp, minute${bucket}, ${sketch.fill('value', weighted ? 'weight' : '1.')} AS s
    FROM sketches.values GROUP BY shape, size, grp, minute${by}`;
  const hours = `SELECT shape, size, grp, ${middleOf[path]} AS hour${by}, ${sketch.merge('s')} AS merged
    FROM (${minutes} ORDER BY sipHash64(minute)) GROUP BY shape, size, grp, hour${by}`;
  const days = `SELECT shape, size, grp, ${sketch.read('merged')} AS found
    FROM (${hours} ORDER BY ${path === 'tiers' ? 'hour' : 'sipHash64(hour)'}) GROUP BY shape, size, grp`;
  const off = `multiIf(x >= t.1 AND x <= t.2, 0, x < t.1, 1 - x / t.1, t.2 = 0, 1, x / t.2 - 1)`;
  return engine.rows<SketchError>(`SELECT size, maxForEach(errors) AS worst, avgForEach(errors) AS mean
    FROM (SELECT size, arrayMap((x, t) -> ${off}, found, ${weighted ? 'weighted' : 'plain'}) AS errors
      FROM (${days}) AS d INNER JOIN sketches.truths USING (shape, size, grp))
    GROUP BY size ORDER BY size`);
};
