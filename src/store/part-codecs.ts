import { alterLocal, localName, type Placement, quoteName, quoteText } from './render.ts';
import type { TableEngine } from './retention.ts';

/**
 * Parts of spans as inserts make them are merged within seconds. In LZ4 they take a seventh less CPU to write
 * and are twice as large until then; merges cost the same. Which codec a part gets is then left to the
 * server, by the size of the part (`<compression>` in its configuration): one that is set up so says it by
 * this macro, as the embedded engine does. On others the codecs of the columns stay as the migrations say.
 */
export const codecMacro = { name: 'tocsin_part_codecs', value: 'by_size' } as const;

/** Without it a table could not be brought back to one codec for all parts. */
export const codecSetting = 'default_compression_codec';

const otherServers = 'ZSTD(1)';

/** What a column's values go through first, and the columns. What is merged is ZSTD(1): level 3 finds nothing more. */
const columns: Readonly<Record<string, readonly (readonly [string, readonly string[]])[]>> = {
  otel_traces: [
    ["Delta(8), T64('bit'), ", ['Timestamp']],
    ['T64, ', ['Duration']],
    ['Delta(8), ', ['Events.Timestamp']],
    [
      '',
      [
        ...['TraceId', 'SpanId', 'ParentSpanId', 'TraceState', 'SpanName', 'SpanKind'],
        ...['ServiceName', 'ResourceAttributes', 'ResourceSchemaUrl', 'ScopeName', 'ScopeVersion'],
        ...['ScopeAttributes', 'ScopeSchemaUrl', 'SpanAttributes', 'StatusCode', 'StatusMessage'],
        ...['Flags', 'DroppedAttributesCount', 'DroppedEventsCount', 'DroppedLinksCount'],
        ...['AdjustedCount', 'Events.Name', 'Events.Attributes'],
        ...['Links.TraceId', 'Links.SpanId', 'Links.TraceState', 'Links.Attributes'],
      ],
    ],
  ],
  otel_traces_trace_id_ts: [['', ['TraceId', 'Start', 'End']]],
};

/**
 * The statements that leave the codecs of the tables there are to a server that chooses them by size, and
 * that give a table from such a server one codec on another. None when it is so. `known` has the names of
 * the settings and macros that the server has, `ran` the statements before these, which may have named codecs.
 */
export const partCodecStatements = (
  found: readonly TableEngine[],
  known: ReadonlySet<string>,
  placement: Placement,
  ran: readonly string[] = [],
): readonly string[] => {
  if (!known.has(codecSetting)) return [];
  const engines = new Map(found.map((it) => [it.table, it.engine]));
  const bySize = known.has(codecMacro.name);
  const left = codecIs('');
  return Object.entries(columns).flatMap(([table, groups]) => {
    const engine = engines.get(localName(table, placement));
    if (engine === undefined) return [];
    const alter = alterLocal(table, placement);
    const isLeft = engine.includes(left);
    if (!bySize) return isLeft ? [`${alter} MODIFY SETTING ${codecIs(otherServers)}`] : [];
    if (isLeft && !ran.some((it) => it.includes(alter) && it.includes('CODEC('))) return [];
    const changes = groups.flatMap(([before, names]) =>
      names.map((it) => `MODIFY COLUMN ${quoteName(it)} CODEC(${before}Default)`),
    );
    return [`${alter} ${changes.join(', ')}`, `${alter} MODIFY SETTING ${left}`];
  });
};

const codecIs = (codec: string): string => `${codecSetting} = ${quoteText(codec)}`;
