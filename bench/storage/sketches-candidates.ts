/** The percentiles of issue 4, in the order in which every candidate gives them back. */
export const levels = [0.5, 0.9, 0.95, 0.99, 0.999] as const;

/** One way to keep percentiles in a rollup table, as the SQL that each step of its life needs. */
export interface Sketch {
  readonly name: string;
  /** Type and codec of the column. */
  readonly column: string;
  /** `no` weights: one row is one value. `whole`: unsigned counts. `fractional`: adjusted counts as they are. */
  readonly weights: 'no' | 'whole' | 'fractional';
  /** Aggregate over raw rows. */
  readonly fill: (value: string, weight: string) => string;
  /** Aggregate over stored columns that gives the same column for the next tier. */
  readonly merge: (column: string) => string;
  /** Aggregate over stored columns that gives the values at `levels`, as Array(Float64). */
  readonly read: (column: string) => string;
  /** One row per bucket instead of one column: this is then part of the sorting key. */
  readonly bucket?: (value: string) => string;
}

const list = levels.join(', ');

const native = (
  name: string,
  parameters: string,
  types: string,
  weights: 'no' | 'whole',
): Sketch => ({
  name: `${name}${parameters === '' ? '' : ` ${parameters}`}`,
  column: `AggregateFunction(${call(name, parameters)}, ${types}) CODEC(ZSTD(3))`,
  weights,
  fill: (value, weight) =>
    weights === 'no'
      ? `${call(`${name}State`, parameters)}(toFloat64(${value}))`
      : `${call(`${name}State`, parameters)}(toFloat64(${value}), ${fixedPoint(weight)})`,
  merge: (column) => `${call(`${name}MergeState`, parameters)}(${column})`,
  read: (column) => `arrayMap(x -> toFloat64(x), ${call(`${name}Merge`, parameters)}(${column}))`,
});

const call = (name: string, parameters: string): string =>
  `${name}(${parameters === '' ? list : `${parameters}, ${list}`})`;

/** Functions that take only unsigned weights are given 1/1024ths. */
const fixedPoint = (weight: string): string => `toUInt64(round(${weight} * 1024))`;

/**
 * Logarithmic buckets, `perDoubling` of them for each factor of two, so the middle of a bucket is within
 * tanh(ln 2 / 2 / perDoubling) of all its values. 0 is a bucket of its own and negative values mirror
 * positive ones, in order: -2^40 < -1 < 0 < 2^-40 < 1 < 2^40.
 */
const bucketOf = (perDoubling: number, value: string): string => {
  const offset = Math.floor(32_768 / 2 / perDoubling) * perDoubling;
  return `toInt16(sign(${value}) * (${offset} + ceil(log2(abs(${value}) + (${value} = 0)) * ${perDoubling})))`;
};

/** The value that is the same relative distance from both ends of the bucket. */
const valueOf = (perDoubling: number, bucket: string): string => {
  const offset = Math.floor(32_768 / 2 / perDoubling) * perDoubling;
  const middle = 2 / (1 + 2 ** (1 / perDoubling));
  return `sign(${bucket}) * exp2((abs(${bucket}) - ${offset}) / ${perDoubling}) * ${middle}`;
};

const mapOf = (perDoubling: number, count: 'Float64' | 'UInt64', codec: string): Sketch => {
  const whole = count === 'UInt64';
  return {
    name: `sumMap ${perDoubling}/doubling ${count} ${codec}`,
    column: `SimpleAggregateFunction(sumMap, Map(Int16, ${count})) CODEC(${codec})`,
    weights: whole ? 'whole' : 'fractional',
    fill: (value, weight) =>
      `sumMap(map(${bucketOf(perDoubling, value)}, ${whole ? fixedPoint(weight) : weight}))`,
    merge: (column) => `sumMap(${column})`,
    read: (column) => {
      const counts = whole
        ? `mapValues(${column})`
        : `arrayMap(c -> ${fixedPoint('c')}, mapValues(${column}))`;
      const buckets = `quantilesExactWeightedArray(${list})(mapKeys(${column}), ${counts})`;
      return `arrayMap(b -> ${valueOf(perDoubling, 'b')}, ${buckets})`;
    },
  };
};

/** The same map, read without quantilesExactWeighted: merge, add up from below, take the first that reaches the rank. */
const mapByAddingUp = (perDoubling: number): Sketch => ({
  ...mapOf(perDoubling, 'Float64', 'ZSTD(3)'),
  name: `sumMap ${perDoubling}/doubling Float64, read by arrayCumSum`,
  read: (column) => {
    const up = 'arrayCumSum(mapValues(m))';
    const take = `arrayMap(q -> mapKeys(m)[arrayFirstIndex(c -> c >= q * ${up}[-1], ${up})], [${list}])`;
    return `arrayMap(b -> ${valueOf(perDoubling, 'b')}, arrayMap(m -> ${take}, [sumMap(${column})])[1])`;
  },
});

const rowsOf = (perDoubling: number): Sketch => ({
  name: `a row per bucket, ${perDoubling}/doubling`,
  column: 'SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(3))',
  weights: 'fractional',
  fill: (_value, weight) => `sum(${weight})`,
  merge: (column) => `sum(${column})`,
  read: (column) => {
    const buckets = `quantilesExactWeighted(${list})(Bucket, ${fixedPoint(column)})`;
    return `arrayMap(b -> ${valueOf(perDoubling, 'b')}, ${buckets})`;
  },
  bucket: (value) => bucketOf(perDoubling, value),
});

const bucketState = (perDoubling: number): Sketch => ({
  name: `quantilesExactWeightedState of ${perDoubling}/doubling`,
  column: `AggregateFunction(${call('quantilesExactWeighted', '')}, Int16, UInt64) CODEC(ZSTD(3))`,
  weights: 'whole',
  fill: (value, weight) =>
    `${call('quantilesExactWeightedState', '')}(${bucketOf(perDoubling, value)}, ${fixedPoint(weight)})`,
  merge: (column) => `${call('quantilesExactWeightedMergeState', '')}(${column})`,
  read: (column) =>
    `arrayMap(b -> ${valueOf(perDoubling, 'b')}, ${call('quantilesExactWeightedMerge', '')}(${column}))`,
});

export const candidates: readonly Sketch[] = [
  native('quantilesTDigest', '', 'Float64', 'no'),
  native('quantilesTDigestWeighted', '', 'Float64, UInt64', 'whole'),
  native('quantilesGK', '1000', 'Float64', 'no'),
  native('quantilesBFloat16Weighted', '', 'Float64, UInt64', 'whole'),
  native('quantilesDD', '0.01', 'Float64', 'no'),
  native('quantilesDD', '0.005', 'Float64', 'no'),
  bucketState(35),
  mapOf(32, 'Float64', 'ZSTD(3)'),
  mapOf(35, 'Float64', 'ZSTD(3)'),
  mapOf(64, 'Float64', 'ZSTD(3)'),
  mapOf(35, 'UInt64', 'ZSTD(3)'),
  mapOf(35, 'Float64', 'ZSTD(1)'),
  mapByAddingUp(35),
  rowsOf(35),
];
