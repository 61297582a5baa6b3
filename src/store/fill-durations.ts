import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { Query } from '../model/query.ts';
import { localName, type Placement, quoteText, renderSql } from './render.ts';

export interface FillOptions extends Placement {
  readonly inspect: Query;
  /** Notes the statement, and runs it unless that is all that is wanted. */
  readonly run: (sql: string) => Promise<void>;
  readonly clock: Clock;
  readonly dryRun: boolean;
  /** Names of the tables that there are, before this program changed anything. */
  readonly before: ReadonlySet<string>;
}

/** Whether a statement of a migration lets people read the table: before it, the table is filled. */
export const opensServiceDurations = (sql: string, placement: Placement): boolean =>
  sql.startsWith(
    renderSql('CREATE VIEW IF NOT EXISTS {{table service_durations_1d}} ', placement).trim(),
  );

const inspectTimeoutMs = 60_000;
const underWayMsMax = 120_000;
const pollMs = 250;
/** One is enough, unless an insert came in between. */
const roundsMax = 20;

/**
 * Gives `service_durations_1d_filled` the days that `span_rollup_1d` has from before its view was there. Each day
 * is compared and the difference added, until there is none. So it may stop half way and run again, several
 * daemons may do it at once, and inserts go on: one that is seen in one table only makes a difference that the
 * next round takes back. Rejects with ERR_DURATIONS_NOT_FILLED (`retry`).
 */
export const fillServiceDurations = async (options: FillOptions): Promise<void> => {
  const { inspect, run, dryRun, before } = options;
  const had = (table: string): boolean => before.has(localName(table, options));
  if (!had('span_rollup_1d')) return;
  if (!dryRun) await untilInsertsEnd(options);
  const isThere = !dryRun || had('service_durations_1d_filled');
  const days = await inspect<{ readonly day: number }>(
    renderSql(
      'SELECT DISTINCT toUnixTimestamp(Time) AS day FROM {{table span_rollup_1d}} ORDER BY day',
      options,
    ),
    { timeoutMs: inspectTimeoutMs },
  );
  for (const { day } of days) {
    for (let round = 1; ; round += 1) {
      const [found] = await inspect<Difference>(
        `SELECT toUInt32(count()) AS rows, hex(groupBitXor(cityHash64(ServiceName, Bucket, round(Requests * 1024), round(Answered * 1024)))) AS hash FROM (${renderSql(missingSql(day, isThere), options)})`,
        { timeoutMs: inspectTimeoutMs },
      );
      if (found === undefined || found.rows === 0) break;
      if (round > roundsMax)
        throw notFilled(`${new Date(day * 1000).toISOString()} keeps changing`);
      await run(insertSql(day, found.hash, options));
      if (dryRun) break;
    }
  }
};

interface Difference {
  readonly rows: number;
  /** The same for daemons that see the same difference. */
  readonly hash: string;
}

/** Counts that are no whole numbers add up differently in another order: less than this share is none. */
const noiseShare = 1e-11;

/** What the table lacks of a day, negative where it has too much; all of the day while it is not there. */
const missingSql = (day: number, isThere: boolean): string => `
  SELECT Time, ServiceName, Bucket, sum(n) AS Requests, sum(a) AS Answered
  FROM (
    SELECT r.Time AS Time, r.ServiceName AS ServiceName, key AS Bucket, value AS n, if(r.SpanKind IN ('Server', 'Consumer'), value, 0) AS a
    FROM {{table span_rollup_1d}} AS r
    ARRAY JOIN mapKeys(r.Sketch) AS key, mapValues(r.Sketch) AS value
    WHERE r.Time = toDateTime(${day}, 'UTC')${
      isThere
        ? `
    UNION ALL
    SELECT f.Time, f.ServiceName, f.Bucket, -f.Requests, -f.Answered
    FROM {{table service_durations_1d_filled}} AS f
    WHERE f.Time = toDateTime(${day}, 'UTC')`
        : ''
    }
  )
  GROUP BY Time, ServiceName, Bucket
  HAVING greatest(abs(Requests), abs(Answered)) > ${noiseShare} * sum(abs(n))`;

/** Daemons that add the same difference at once add it once. */
const insertSql = (day: number, hash: string, placement: Placement): string => {
  const missing = renderSql(missingSql(day, true), placement);
  const table = renderSql('{{table service_durations_1d_filled}}', placement);
  const settings = [
    'async_insert = 0',
    'insert_deduplicate = 1',
    `insert_deduplication_token = 'service-durations-${day}-${hash}'`,
    ...(placement.cluster === undefined
      ? []
      : ['insert_distributed_sync = 1', 'parallel_distributed_insert_select = 0']),
  ];
  return `INSERT INTO ${table} (Time, ServiceName, Bucket, Requests, Answered)\nSETTINGS ${settings.join(', ')}${missing}`;
};

/** An insert knows the views that were there when it began. */
const untilInsertsEnd = async ({ inspect, clock, cluster }: FillOptions): Promise<void> => {
  const processes =
    cluster === undefined
      ? 'system.processes'
      : `clusterAllReplicas(${quoteText(cluster)}, system.processes)`;
  const underWay = async (): Promise<readonly string[]> => {
    const rows = await inspect<{ readonly id: string }>(
      `SELECT query_id AS id FROM ${processes} WHERE query_kind = 'Insert' AND (position(query, 'otel_traces') > 0 OR position(query, 'span_rollup') > 0)`,
      { timeoutMs: inspectTimeoutMs },
    );
    return rows.map((it) => it.id);
  };
  const sinceMs = clock.monotonicMs();
  let waited = await underWay();
  while (waited.length > 0) {
    if (clock.monotonicMs() - sinceMs > underWayMsMax) {
      throw notFilled(`inserts from before do not end: ${waited.join(', ')}`);
    }
    await clock.sleep(pollMs);
    const still = new Set(await underWay());
    waited = waited.filter((it) => still.has(it));
  }
};

const notFilled = (why: string): Fault =>
  new Fault(
    'ERR_DURATIONS_NOT_FILLED',
    `service_durations_1d cannot be filled from span_rollup_1d yet: ${why}`,
    { remedy: 'retry' },
  );
