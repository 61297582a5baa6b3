import { localName, onCluster, type Placement, quoteName } from './render.ts';
import type { TableEngine } from './retention.ts';

/**
 * Hours and days of whole services, beside those of their operations: percentiles of 50 services over 30
 * days read 4,500 sketches instead of 90,000. Merges make them, inserts do not; what is not merged yet
 * is read as it is, by ClickHouse itself.
 */
const select = `SELECT ServiceName, SpanKind, Time, sum(Requests), sum(Errors), sum(Timeouts), sum(DurationSum),
  min(DurationMin), max(DurationMax), sumMap(Sketch), sum(Spans), min(FirstTime), max(LastTime)
GROUP BY ServiceName, SpanKind, Time`;

const tables = ['span_rollup_1h', 'span_rollup_1d'] as const;

/** `rebuild`: merging adds up rows of one key, so a projection of the parts does not add up to that of the whole. */
const rebuilt = { name: 'deduplicate_merge_projection_mode', value: "'rebuild'" };
const byMerges = [
  { name: 'materialize_projections_on_insert', value: '0' },
  { name: 'materialize_projections_on_merge', value: '1' },
];

/** Without all of these a table stays as it is: right, and slower to ask. */
export const projectionSettings: readonly string[] = [rebuilt, ...byMerges].map((it) => it.name);

/**
 * The statements that give the tables there are their projection, none when they have it or the server
 * cannot keep one. The last of them marks that it is done.
 */
export const projectionStatements = (
  found: readonly TableEngine[],
  known: ReadonlySet<string>,
  placement: Placement,
): readonly string[] => {
  if (!projectionSettings.every((it) => known.has(it))) return [];
  const engines = new Map(found.map((it) => [it.table, it.engine]));
  const mark = byMerges.map(({ name, value }) => `${name} = ${value}`);
  return tables.flatMap((table) => {
    const local = localName(table, placement);
    const engine = engines.get(local);
    if (engine === undefined || mark.every((it) => engine.includes(it))) return [];
    const name = `${quoteName(placement.database)}.${quoteName(local)}`;
    const alter = `ALTER TABLE ${[name, onCluster(placement)].filter((it) => it !== '').join(' ')}`;
    return [
      `${alter} MODIFY SETTING ${rebuilt.name} = ${rebuilt.value}`,
      `${alter} ADD PROJECTION IF NOT EXISTS by_service (${select})`,
      `${alter} MATERIALIZE PROJECTION by_service`,
      `${alter} MODIFY SETTING ${mark.join(', ')}`,
    ];
  });
};
