import type { Arena } from './arena.ts';
import { ArrayColumn, FixedColumn, NameColumn } from './columns.ts';
import { Envelope, type Table } from './envelope.ts';
import { MapColumn } from './map-column.ts';
import type { Columns } from './native.ts';
import { TextColumn } from './text-column.ts';
import { WordColumn } from './word-column.ts';

/** By their numbers in OTLP. */
export const spanKinds = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'];
const statusCodes = ['Unset', 'Ok', 'Error'];

/** `otel_traces`: the exporter's columns, and what it drops. */
export class TraceColumns implements Table {
  readonly name = 'otel_traces';
  readonly columns: Columns;
  readonly envelope: Envelope;
  readonly time: FixedColumn;
  readonly traceId: TextColumn;
  readonly spanId: TextColumn;
  readonly parentSpanId: TextColumn;
  readonly traceState: TextColumn;
  readonly spanName: WordColumn;
  readonly spanKind: NameColumn;
  readonly attributes: MapColumn<TextColumn>;
  readonly duration: FixedColumn;
  readonly statusCode: NameColumn;
  readonly statusMessage: TextColumn;
  readonly eventTime: FixedColumn;
  readonly eventName: WordColumn;
  readonly eventAttributes: MapColumn<TextColumn>;
  readonly events: ArrayColumn;
  readonly linkTraceId: TextColumn;
  readonly linkSpanId: TextColumn;
  readonly linkTraceState: TextColumn;
  readonly linkAttributes: MapColumn<TextColumn>;
  readonly links: ArrayColumn;
  readonly flags: FixedColumn;
  readonly droppedAttributes: FixedColumn;
  readonly droppedEvents: FixedColumn;
  readonly droppedLinks: FixedColumn;
  readonly adjustedCount: FixedColumn;

  constructor(arena: Arena) {
    this.envelope = new Envelope(arena);
    this.time = new FixedColumn(arena, 'DateTime64(9)');
    this.traceId = new TextColumn(arena);
    this.spanId = new TextColumn(arena);
    this.parentSpanId = new TextColumn(arena);
    this.traceState = new TextColumn(arena);
    this.spanName = new WordColumn(arena);
    this.spanKind = new NameColumn(arena, spanKinds);
    this.attributes = new MapColumn(arena, new TextColumn(arena));
    this.duration = new FixedColumn(arena, 'UInt64');
    this.statusCode = new NameColumn(arena, statusCodes);
    this.statusMessage = new TextColumn(arena);
    this.eventTime = new FixedColumn(arena, 'DateTime64(9)');
    this.eventName = new WordColumn(arena);
    this.eventAttributes = new MapColumn(arena, new TextColumn(arena));
    this.events = new ArrayColumn(arena, this.eventTime);
    this.linkTraceId = new TextColumn(arena);
    this.linkSpanId = new TextColumn(arena);
    this.linkTraceState = new TextColumn(arena);
    this.linkAttributes = new MapColumn(arena, new TextColumn(arena));
    this.links = new ArrayColumn(arena, this.linkTraceId);
    this.flags = new FixedColumn(arena, 'UInt32');
    this.droppedAttributes = new FixedColumn(arena, 'UInt32');
    this.droppedEvents = new FixedColumn(arena, 'UInt32');
    this.droppedLinks = new FixedColumn(arena, 'UInt32');
    this.adjustedCount = new FixedColumn(arena, 'Float64');
    const { envelope, events, links } = this;
    this.columns = {
      Timestamp: this.time,
      TraceId: this.traceId,
      SpanId: this.spanId,
      ParentSpanId: this.parentSpanId,
      TraceState: this.traceState,
      SpanName: this.spanName,
      SpanKind: this.spanKind,
      ServiceName: envelope.serviceName,
      ResourceAttributes: envelope.resourceAttributes,
      ScopeName: envelope.scopeName,
      ScopeVersion: envelope.scopeVersion,
      SpanAttributes: this.attributes,
      Duration: this.duration,
      StatusCode: this.statusCode,
      StatusMessage: this.statusMessage,
      'Events.Timestamp': events,
      'Events.Name': new ArrayColumn(arena, this.eventName, events.ends),
      'Events.Attributes': new ArrayColumn(arena, this.eventAttributes, events.ends),
      'Links.TraceId': links,
      'Links.SpanId': new ArrayColumn(arena, this.linkSpanId, links.ends),
      'Links.TraceState': new ArrayColumn(arena, this.linkTraceState, links.ends),
      'Links.Attributes': new ArrayColumn(arena, this.linkAttributes, links.ends),
      ResourceSchemaUrl: envelope.resourceSchemaUrl,
      ScopeSchemaUrl: envelope.scopeSchemaUrl,
      ScopeAttributes: envelope.scopeAttributes,
      Flags: this.flags,
      DroppedAttributesCount: this.droppedAttributes,
      DroppedEventsCount: this.droppedEvents,
      DroppedLinksCount: this.droppedLinks,
      AdjustedCount: this.adjustedCount,
    };
  }

  rows = (): number => this.time.rows();
}
