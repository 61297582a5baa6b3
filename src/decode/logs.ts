import type { Arena } from './arena.ts';
import type { Attributes } from './attributes.ts';
import { FixedColumn } from './columns.ts';
import { Envelope, type ItemWalker, type Table } from './envelope.ts';
import { MapColumn } from './map-column.ts';
import type { Columns } from './native.ts';
import type { Rejections } from './rejections.ts';
import { logTellings } from './samples.ts';
import { isZero, TextColumn } from './text-column.ts';
import { bytesField, fixed32Field, fixed64Field, varintField, type Wire } from './wire.ts';
import { WordColumn } from './word-column.ts';

const time = fixed64Field(1);
const severityNumberField = varintField(2);
const severityTextField = bytesField(3);
const bodyField = bytesField(5);
const attribute = bytesField(6);
const droppedAttributesField = varintField(7);
const flagsField = fixed32Field(8);
const traceIdField = bytesField(9);
const spanIdField = bytesField(10);
const observedTime = fixed64Field(11);
const eventNameField = bytesField(12);

/** `otel_logs`: the exporter's columns, the time of observation and the dropped count. */
class LogColumns implements Table {
  readonly name = 'otel_logs';
  readonly columns: Columns;
  readonly envelope: Envelope;
  readonly time: FixedColumn;
  readonly observedTime: FixedColumn;
  readonly traceId: TextColumn;
  readonly spanId: TextColumn;
  readonly traceFlags: FixedColumn;
  readonly severityText: WordColumn;
  readonly severityNumber: FixedColumn;
  readonly body: TextColumn;
  readonly attributes: MapColumn<TextColumn>;
  readonly eventName: TextColumn;
  readonly droppedAttributes: FixedColumn;

  constructor(arena: Arena) {
    this.envelope = new Envelope(arena);
    this.time = new FixedColumn(arena, 'DateTime64(9)');
    this.observedTime = new FixedColumn(arena, 'DateTime64(9)');
    this.traceId = new TextColumn(arena);
    this.spanId = new TextColumn(arena);
    this.traceFlags = new FixedColumn(arena, 'UInt8');
    this.severityText = new WordColumn(arena);
    this.severityNumber = new FixedColumn(arena, 'UInt8');
    this.body = new TextColumn(arena);
    this.attributes = new MapColumn(arena, new TextColumn(arena));
    this.eventName = new TextColumn(arena);
    this.droppedAttributes = new FixedColumn(arena, 'UInt32');
    const { envelope } = this;
    this.columns = {
      Timestamp: this.time,
      TraceId: this.traceId,
      SpanId: this.spanId,
      TraceFlags: this.traceFlags,
      SeverityText: this.severityText,
      SeverityNumber: this.severityNumber,
      ServiceName: envelope.serviceName,
      Body: this.body,
      ResourceSchemaUrl: envelope.resourceSchemaUrl,
      ResourceAttributes: envelope.resourceAttributes,
      ScopeSchemaUrl: envelope.scopeSchemaUrl,
      ScopeName: envelope.scopeName,
      ScopeVersion: envelope.scopeVersion,
      ScopeAttributes: envelope.scopeAttributes,
      LogAttributes: this.attributes,
      EventName: this.eventName,
      ObservedTimestamp: this.observedTime,
      DroppedAttributesCount: this.droppedAttributes,
    };
  }

  rows = (): number => this.time.rows();
}

/** Walks log records into `otel_logs`. Ids of a wrong length are kept as they are: nothing joins on them. */
export class LogWalker implements ItemWalker {
  readonly tables: readonly [LogColumns];
  readonly #to: LogColumns;
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #attributes: Attributes;
  readonly #rejections: Rejections;

  constructor(arena: Arena, wire: Wire, attributes: Attributes, rejections: Rejections) {
    this.#to = new LogColumns(arena);
    this.tables = [this.#to];
    this.#arena = arena;
    this.#wire = wire;
    this.#attributes = attributes;
    this.#rejections = rejections;
    attributes.protect(this.#to.attributes, 'log');
  }

  item = (position: number, end: number): void => {
    if (this.#rejections.condemnsAny && this.#isCondemned(position, end)) return;
    const to = this.#to;
    const arena = this.#arena;
    const wire = this.#wire;
    let timeAt = -1;
    let observedAt = -1;
    let severityNumber = 0;
    let severityAt = position;
    let severityLength = 0;
    let bodyAt = position;
    let bodyEnd = position;
    let droppedAttributes = 0;
    let flags = 0;
    let traceAt = position;
    let traceLength = 0;
    let spanAt = position;
    let spanLength = 0;
    let eventAt = position;
    let eventLength = 0;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      switch (tag) {
        case time:
          timeAt = p;
          p += 8;
          break;
        case observedTime:
          observedAt = p;
          p += 8;
          break;
        case severityNumberField:
          severityNumber = wire.varint(p);
          p = wire.pos;
          break;
        case severityTextField:
          severityLength = wire.length(p, end);
          severityAt = wire.pos;
          p = severityAt + severityLength;
          break;
        case bodyField: {
          const length = wire.length(p, end);
          bodyAt = wire.pos;
          p = bodyAt + length;
          bodyEnd = p;
          break;
        }
        case attribute: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          this.#attributes.put(to.attributes, p - length, p);
          break;
        }
        case droppedAttributesField:
          droppedAttributes = wire.varint(p);
          p = wire.pos;
          break;
        case flagsField:
          flags = arena.view.getUint32(p, true);
          p += 4;
          break;
        case traceIdField:
          traceLength = wire.length(p, end);
          traceAt = wire.pos;
          p = traceAt + traceLength;
          break;
        case spanIdField:
          spanLength = wire.length(p, end);
          spanAt = wire.pos;
          p = spanAt + spanLength;
          break;
        case eventNameField:
          eventLength = wire.length(p, end);
          eventAt = wire.pos;
          p = eventAt + eventLength;
          break;
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    // As the exporter does: a record without a time of its own has that of its observation.
    const ownTime = timeAt >= 0 && !isZero(arena.view, timeAt, 8);
    this.#judgeTime(position, ownTime ? timeAt : observedAt);
    arena.putFixed64(to.time.region, ownTime ? timeAt : observedAt);
    arena.putFixed64(to.observedTime.region, observedAt);
    to.traceId.putHex(traceAt, traceLength);
    to.spanId.putHex(spanAt, spanLength);
    arena.putByte(to.traceFlags.region, flags & 255);
    to.severityText.put(severityAt, severityLength);
    arena.putByte(to.severityNumber.region, severityNumber & 255);
    this.#attributes.putBody(to.body, bodyAt, bodyEnd);
    to.attributes.endRow();
    to.eventName.put(eventAt, eventLength);
    arena.putUint32(to.droppedAttributes.region, droppedAttributes);
  };

  #judgeTime(position: number, timeAt: number): void {
    const { view } = this.#arena;
    const low = timeAt < 0 ? 0 : view.getUint32(timeAt, true);
    const high = timeAt < 0 ? 0 : view.getUint32(timeAt + 4, true);
    this.#rejections.judgeTime(position, low, high);
  }

  #isCondemned(position: number, end: number): boolean {
    const rejections = this.#rejections;
    const code = rejections.sentence(position);
    if (code) rejections.add(code, () => rejections.samples.item(logTellings, position, end));
    return code !== undefined;
  }
}
