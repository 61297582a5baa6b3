import type { Arena } from './arena.ts';
import { ArrayColumn, FixedColumn } from './columns.ts';
import { Envelope, type Table } from './envelope.ts';
import { MapColumn } from './map-column.ts';
import type { Columns } from './native.ts';
import type { Rejections } from './rejections.ts';
import { TextColumn } from './text-column.ts';
import { WordColumn } from './word-column.ts';

/** What the five metric tables have in common; `own` are the columns of one of them. */
export class MetricTable implements Table {
  readonly name: string;
  readonly columns: Columns;
  readonly envelope: Envelope;
  readonly metricName: WordColumn;
  readonly metricDescription: WordColumn;
  readonly metricUnit: WordColumn;
  readonly attributes: MapColumn<TextColumn>;
  readonly startTime: FixedColumn;
  readonly time: FixedColumn;
  readonly flags: FixedColumn;
  readonly #arena: Arena;

  constructor(arena: Arena, name: string, own: Columns) {
    this.#arena = arena;
    this.name = name;
    this.envelope = new Envelope(arena);
    this.metricName = new WordColumn(arena);
    this.metricDescription = new WordColumn(arena);
    this.metricUnit = new WordColumn(arena);
    this.attributes = new MapColumn(arena, new TextColumn(arena));
    this.startTime = new FixedColumn(arena, 'DateTime64(9)');
    this.time = new FixedColumn(arena, 'DateTime64(9)');
    this.flags = new FixedColumn(arena, 'UInt32');
    const { envelope } = this;
    this.columns = {
      ResourceAttributes: envelope.resourceAttributes,
      ResourceSchemaUrl: envelope.resourceSchemaUrl,
      ScopeName: envelope.scopeName,
      ScopeVersion: envelope.scopeVersion,
      ScopeAttributes: envelope.scopeAttributes,
      ScopeDroppedAttrCount: envelope.scopeDroppedAttributes,
      ScopeSchemaUrl: envelope.scopeSchemaUrl,
      ServiceName: envelope.serviceName,
      MetricName: this.metricName,
      MetricDescription: this.metricDescription,
      MetricUnit: this.metricUnit,
      Attributes: this.attributes,
      StartTimeUnix: this.startTime,
      TimeUnix: this.time,
      Flags: this.flags,
      ...own,
    };
  }

  rows = (): number => this.time.rows();

  /** Writes what all points have and ends their attributes; a negative position writes zero. */
  putPoint(startAt: number, timeAt: number, flags: number): void {
    this.attributes.endRow();
    this.#arena.putFixed64(this.startTime.region, startAt);
    this.#arena.putFixed64(this.time.region, timeAt);
    this.#arena.putUint32(this.flags.region, flags);
  }

  /** Judges the time of the point that was put last, which began at the position. */
  judgeTime(position: number, rejections: Rejections): void {
    const { view } = this.#arena;
    const { at } = this.time.region;
    rejections.judgeTime(position, view.getUint32(at - 8, true), view.getUint32(at - 4, true));
  }
}

/** `Exemplars.*`: Nested columns that share their ends. */
export class ExemplarColumns {
  readonly attributes: MapColumn<TextColumn>;
  readonly time: FixedColumn;
  readonly value: FixedColumn;
  readonly spanId: TextColumn;
  readonly traceId: TextColumn;
  readonly list: ArrayColumn;
  readonly columns: Columns;

  constructor(arena: Arena) {
    this.attributes = new MapColumn(arena, new TextColumn(arena));
    this.time = new FixedColumn(arena, 'DateTime64(9)');
    this.value = new FixedColumn(arena, 'Float64');
    this.spanId = new TextColumn(arena);
    this.traceId = new TextColumn(arena);
    this.list = new ArrayColumn(arena, this.attributes);
    const { ends } = this.list;
    this.columns = {
      'Exemplars.FilteredAttributes': this.list,
      'Exemplars.TimeUnix': new ArrayColumn(arena, this.time, ends),
      'Exemplars.Value': new ArrayColumn(arena, this.value, ends),
      'Exemplars.SpanId': new ArrayColumn(arena, this.spanId, ends),
      'Exemplars.TraceId': new ArrayColumn(arena, this.traceId, ends),
    };
  }
}
