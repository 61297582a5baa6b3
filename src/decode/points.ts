import type { Arena, Region } from './arena.ts';
import type { Attributes } from './attributes.ts';
import { type ArrayColumn, type FixedColumn } from './columns.ts';
import { malformed } from './faults.ts';
import type { ExemplarColumns, MetricTable } from './metric-columns.ts';
import type { RejectCode } from './rejections.ts';
import { bytesField, fixed64Field, type Wire } from './wire.ts';

/** What every kind of data point is read with. */
export interface PointTools {
  readonly arena: Arena;
  readonly wire: Wire;
  readonly attributes: Attributes;
}

/** Walks the data points of one kind of metric into their table. */
export interface PointWalker {
  readonly table: MetricTable;
  /** Writes the point, and says so when it is not one that should stay. */
  readonly point: (position: number, end: number) => RejectCode | undefined;
  /** Writes what a metric says once for all its points, behind them. */
  readonly finish: (rows: number, temporality: number, isMonotonic: boolean) => void;
}

/** Of a point's flags: nothing was measured, so the other fields say nothing. */
export const noRecordedValue = 1;

/** A repeated 8-byte number, packed into one field as all encoders do. */
export const putPacked64 = (
  arena: Arena,
  region: Region,
  position: number,
  length: number,
): void => {
  if (length % 8 !== 0) throw malformed(position, 'packed numbers that do not fill their field');
  arena.copy(region, position, length);
};

export const endArray = (arena: Arena, column: ArrayColumn, elements: FixedColumn): void =>
  arena.putCount(column.ends, elements.rows());

export const repeatUint32 = (
  arena: Arena,
  { region }: FixedColumn,
  value: number,
  rows: number,
): void => {
  arena.putUint32(region, value);
  arena.repeat(region, 4, rows - 1);
};

/** A double, or 0 when the field was absent. */
export const putDouble = (arena: Arena, { region }: FixedColumn, position: number): void =>
  arena.putFixed64(region, position);

/** An sfixed64 as the nearest double: the exporter keeps one Float64 for both kinds of value. */
export const putInteger = (arena: Arena, { region }: FixedColumn, position: number): void => {
  const low = arena.view.getUint32(position, true);
  const high = arena.view.getInt32(position + 4, true);
  arena.putFloat64(region, high * 0x1_0000_0000 + low);
};

const exemplarTime = fixed64Field(2);
const exemplarDouble = fixed64Field(3);
const exemplarSpanId = bytesField(4);
const exemplarTraceId = bytesField(5);
const exemplarInteger = fixed64Field(6);
const exemplarAttribute = bytesField(7);

export const putExemplar = (
  { arena, wire, attributes }: PointTools,
  to: ExemplarColumns,
  position: number,
  end: number,
): void => {
  let timeAt = -1;
  let valueAt = -1;
  let isInteger = false;
  let spanAt = position;
  let spanLength = 0;
  let traceAt = position;
  let traceLength = 0;
  let p = position;
  while (p < end) {
    const tag = wire.varint(p);
    p = wire.pos;
    switch (tag) {
      case exemplarTime:
        timeAt = p;
        p += 8;
        break;
      case exemplarDouble:
      case exemplarInteger:
        valueAt = p;
        isInteger = tag === exemplarInteger;
        p += 8;
        break;
      case exemplarSpanId:
        spanLength = wire.length(p, end);
        spanAt = wire.pos;
        p = spanAt + spanLength;
        break;
      case exemplarTraceId:
        traceLength = wire.length(p, end);
        traceAt = wire.pos;
        p = traceAt + traceLength;
        break;
      case exemplarAttribute: {
        const length = wire.length(p, end);
        p = wire.pos + length;
        attributes.put(to.attributes, p - length, p);
        break;
      }
      default:
        p = wire.skip(tag, p, end);
    }
  }
  wire.landed(p, end);
  to.attributes.endRow();
  arena.putFixed64(to.time.region, timeAt);
  if (isInteger) putInteger(arena, to.value, valueAt);
  else putDouble(arena, to.value, valueAt);
  to.spanId.putHex(spanAt, spanLength);
  to.traceId.putHex(traceAt, traceLength);
};
