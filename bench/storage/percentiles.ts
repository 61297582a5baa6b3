import { median } from '../measure.ts';
import type { SchemaEngine } from './engine.ts';
import { type History, historyStartSeconds } from './history.ts';
import { more, row } from './row.ts';

/** The documented query (src/rollup/README.md), by service. */
const fromTiers = (until: number) => `
  WITH quantileExactWeighted(0.99)(r.Bucket, toUInt64(round(r.Requests * 65536))) AS b
  SELECT r.ServiceName AS service, sign(b) * exp2((abs(b) - 16380) / 35) * 0.990098221046997 AS p99
  FROM otel.service_durations_1d AS r
  WHERE r.Time >= toDateTime(${historyStartSeconds}, 'UTC') AND r.Time < toDateTime(${until}, 'UTC')
  GROUP BY service ORDER BY service`;

/** The least duration that 99 % of spans do not exceed: what a percentile of the tiers stands for. */
const nearestRank = 'arraySort(groupArray(Duration))[toUInt64(ceil(0.99 * count()))]';

const fromSpans = (p99: string, until: number, only = 'true') => `
  SELECT ServiceName AS service, ${p99} AS p99 FROM otel.otel_traces
  WHERE Timestamp >= toDateTime64(${historyStartSeconds}, 9, 'UTC') AND Timestamp < toDateTime64(${until}, 9, 'UTC') AND ${only}
  GROUP BY service ORDER BY service`;

interface Percentile {
  readonly service: string;
  readonly p99: number;
}

/** p99 of each service over 30 days, out of the tiers and out of the spans: issue 4. */
export const comparePercentiles = async (
  engine: SchemaEngine,
  history: History,
  rounds: number,
  print: (line: string) => void,
): Promise<void> => {
  const until = historyStartSeconds + history.days * 86_400;
  const found = await engine.rows<Percentile>(fromTiers(until));
  const exact: Percentile[] = [];
  // One service at a time: all durations at once do not fit into a small engine.
  for (const { service } of found) {
    const only = `ServiceName = '${service}'`;
    exact.push(...(await engine.rows<Percentile>(fromSpans(nearestRank, until, only))));
  }
  const worst = Math.max(
    ...exact.map(({ p99 }, index) => Math.abs((found[index]?.p99 ?? Number.NaN) / p99 - 1)),
  );
  const tierMs: number[] = [];
  const spanMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    spanMs.push(await engine.wallMs(fromSpans('quantile(0.99)(Duration)', until)));
    tierMs.push(await engine.wallMs(fromTiers(until)));
  }
  print(
    `p99 of ${exact.length} services: tiers ${median(tierMs).toFixed(1)} ms, spans ${median(spanMs).toFixed(1)} ms (quantile, the fast one), ${(worst * 100).toFixed(2)} % apart at most (exact)`,
  );
  print(more('p99 over 30 days, spans / tiers', [50, 500], median(spanMs) / median(tierMs), '×'));
  print(row('worst difference to the exact p99', [1, 0.9902], worst * 100, '%'));
};
