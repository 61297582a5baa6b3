import { alterLocal, localName, type Placement } from './render.ts';
import type { TableEngine } from './retention.ts';

/**
 * Settings of tables that not every ClickHouse has, so that no migration may name them. Lengths of the
 * texts inside maps and arrays stay beside the texts: kept apart, as servers since 26.1 do, the values
 * of attributes take a fifth more on disk and more CPU in every merge (`bench -- storage schema`).
 */
const wanted = [{ name: 'propagate_types_serialization_versions_to_nested_types', value: '0' }];

/** Those with attributes, each of which comes and is merged as it was sent. */
const tables = [
  'otel_traces',
  'otel_logs',
  ...['gauge', 'sum', 'summary', 'histogram', 'exponential_histogram'].map(
    (kind) => `otel_metrics_${kind}`,
  ),
  'cache_points',
  'cache_spans',
] as const;

/** Those that a server need not have. */
export const newerSettings: readonly string[] = wanted.map((it) => it.name);

/**
 * The statements that bring the tables there are to the settings the server knows, none when they have
 * them. Only parts written later change.
 */
export const tableSettingStatements = (
  found: readonly TableEngine[],
  known: ReadonlySet<string>,
  placement: Placement,
): readonly string[] => {
  const engines = new Map(found.map((it) => [it.table, it.engine]));
  return tables.flatMap((table) => {
    const engine = engines.get(localName(table, placement));
    if (engine === undefined) return [];
    const changes = wanted
      .filter((it) => known.has(it.name))
      .map((it) => `${it.name} = ${it.value}`)
      .filter((it) => !engine.includes(it));
    if (changes.length === 0) return [];
    return [`${alterLocal(table, placement)} MODIFY SETTING ${changes.join(', ')}`];
  });
};
