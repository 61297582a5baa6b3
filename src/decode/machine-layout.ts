import type { Region } from './arena.ts';
import type { Dictionary } from './dictionary.ts';
import type { MapColumn } from './map-column.ts';
import type { TextColumn } from './text-column.ts';
import type { TraceColumns } from './trace-columns.ts';
import type { WordColumn } from './word-column.ts';

/** Where the cells of regions and dictionaries begin, and their sizes, and powers of ten, as in `wasm/layout.ts`. */
export const cells = {
  regionsAt: 1024,
  regionBytes: 16,
  dictionariesAt: 2560,
  dictionaryBytes: 32,
  powersAt: 4096,
} as const;

const map = (column: MapColumn<TextColumn | WordColumn>): readonly Region[] => [
  column.keys.region,
  column.values.region,
  column.ends,
];

/** The regions that the machine writes, in the order of `wasm/layout.ts`. */
export const regionsOf = (to: TraceColumns): readonly Region[] => [
  to.envelope.serviceName.region,
  ...map(to.envelope.resourceAttributes),
  to.envelope.resourceSchemaUrl.region,
  to.envelope.scopeName.region,
  to.envelope.scopeVersion.region,
  ...map(to.envelope.scopeAttributes),
  to.envelope.scopeDroppedAttributes.region,
  to.envelope.scopeSchemaUrl.region,
  to.time.region,
  to.traceId.region,
  to.spanId.region,
  to.parentSpanId.region,
  to.traceState.region,
  to.spanName.region,
  to.spanKind.region,
  ...map(to.attributes),
  to.duration.region,
  to.statusCode.region,
  to.statusMessage.region,
  to.eventTime.region,
  to.eventName.region,
  ...map(to.eventAttributes),
  to.events.ends,
  to.linkTraceId.region,
  to.linkSpanId.region,
  to.linkTraceState.region,
  ...map(to.linkAttributes),
  to.links.ends,
  to.flags.region,
  to.droppedAttributes.region,
  to.droppedEvents.region,
  to.droppedLinks.region,
  to.adjustedCount.region,
];

/** Its dictionaries, in the order of `wasm/layout.ts`. */
export const dictionariesOf = (to: TraceColumns): readonly Dictionary[] => [
  to.envelope.serviceName.dictionary,
  to.envelope.resourceAttributes.keys.dictionary,
  to.envelope.resourceAttributes.values.dictionary,
  to.envelope.resourceSchemaUrl.dictionary,
  to.envelope.scopeName.dictionary,
  to.envelope.scopeVersion.dictionary,
  to.envelope.scopeAttributes.keys.dictionary,
  to.envelope.scopeSchemaUrl.dictionary,
  to.spanName.dictionary,
  to.attributes.keys.dictionary,
  to.eventName.dictionary,
  to.eventAttributes.keys.dictionary,
  to.linkAttributes.keys.dictionary,
];
