/**
 * What one span adds to the `Sketch` of a tier, SQL over its `Duration`: 35 logarithmic buckets per
 * doubling, as src/rollup/README.md tells. Sketches are added up across tables, so all of them must be
 * made in this way; the views in src/store/schema have it written out.
 */
export const durationSketchSql = (weight: string): string =>
  `map(toInt16(sign(Duration) * (16380 + ceil(log2(abs(Duration) + (Duration = 0)) * 35))), ${weight})`;
