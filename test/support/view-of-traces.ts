import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { AskSql } from '../../bench/load/verify.ts';

const tables = ['otel_traces', 'otel_traces_trace_id_ts'];

/**
 * A merge makes one row of what came twice into the view's table. Without merges each insert stays a
 * part, and each part gives one row for each of its traces. Holds until the tables are gone.
 */
export const keepParts = async (ask: AskSql): Promise<void> => {
  for (const table of tables) {
    await ask(
      `ALTER TABLE otel.${table} MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, ` +
        'max_bytes_to_merge_at_min_space_in_pool = 1',
    );
  }
};

/** After `keepParts`: the view's table follows from the spans, no row too few or too many. */
export const checkViewOfTraces = async (t: Test, ask: AskSql): Promise<void> => {
  const merged = await ask(
    `SELECT count() FROM system.parts WHERE table IN ('${tables.join("', '")}') AND min_block_number != max_block_number`,
  );
  t.equal(merged.trim(), '0', 'no part was merged');
  // Spans are there a moment before what the view makes of them.
  const endMs = Date.now() + settleMs;
  let found = await look(ask);
  while (found.wrong !== '0' && Date.now() < endMs) {
    await sleep(200);
    found = await look(ask);
  }
  t.ok(Number(found.traces) > 0, `the view holds ${found.traces} traces`);
  t.equal(found.wrong, '0', 'each as its spans say, once for each insert');
};

const settleMs = 10_000;

const look = async (ask: AskSql) => {
  const [traces, wrong] = (
    await ask(`
      SELECT count(), countIf(parts != rows OR first != start OR last != end)
      FROM (
        SELECT TraceId, uniqExact(_part) AS parts, toDateTime(min(Timestamp)) AS first,
          toDateTime(max(Timestamp)) AS last
        FROM otel.otel_traces WHERE TraceId != '' GROUP BY TraceId
      ) AS spans
      FULL OUTER JOIN (
        SELECT TraceId, count() AS rows, min(Start) AS start, max(End) AS end
        FROM otel.otel_traces_trace_id_ts GROUP BY TraceId
      ) AS view USING (TraceId)
      FORMAT TSV`)
  )
    .trim()
    .split('\t');
  return { traces, wrong };
};
