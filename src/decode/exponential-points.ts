import type { Arena } from './arena.ts';
import { ArrayColumn, FixedColumn } from './columns.ts';
import { ExemplarColumns, MetricTable } from './metric-columns.ts';
import {
  endArray,
  noRecordedValue,
  type PointTools,
  type PointWalker,
  putDouble,
  putExemplar,
  repeatUint32,
} from './points.ts';
import type { RejectCode } from './rejections.ts';
import { bytesField, fixed64Field, varintField } from './wire.ts';

const attribute = bytesField(1);
const startTime = fixed64Field(2);
const time = fixed64Field(3);
const countField = fixed64Field(4);
const sumField = fixed64Field(5);
const scaleField = varintField(6);
const zeroCountField = fixed64Field(7);
const positive = bytesField(8);
const negative = bytesField(9);
const flagsField = varintField(10);
const exemplar = bytesField(11);
const minField = fixed64Field(12);
const maxField = fixed64Field(13);
const zeroThresholdField = fixed64Field(14);

const bucketOffset = varintField(1);
const bucketCounts = bytesField(2);
const bucketCount = varintField(2);

/** The buckets on one side of zero. */
class Side {
  readonly offset: FixedColumn;
  readonly counts: ArrayColumn;
  readonly count: FixedColumn;

  constructor(arena: Arena) {
    this.offset = new FixedColumn(arena, 'Int32');
    this.count = new FixedColumn(arena, 'UInt64');
    this.counts = new ArrayColumn(arena, this.count);
  }
}

export class ExponentialPoints implements PointWalker {
  readonly table: MetricTable;
  readonly #tools: PointTools;
  readonly #count: FixedColumn;
  readonly #sum: FixedColumn;
  readonly #scale: FixedColumn;
  readonly #zeroCount: FixedColumn;
  readonly #zeroThreshold: FixedColumn;
  readonly #positive: Side;
  readonly #negative: Side;
  readonly #min: FixedColumn;
  readonly #max: FixedColumn;
  readonly #temporality: FixedColumn;
  readonly #exemplars: ExemplarColumns;

  constructor(tools: PointTools) {
    const { arena } = tools;
    this.#tools = tools;
    this.#count = new FixedColumn(arena, 'UInt64');
    this.#sum = new FixedColumn(arena, 'Float64');
    this.#scale = new FixedColumn(arena, 'Int32');
    this.#zeroCount = new FixedColumn(arena, 'UInt64');
    this.#zeroThreshold = new FixedColumn(arena, 'Float64');
    this.#positive = new Side(arena);
    this.#negative = new Side(arena);
    this.#min = new FixedColumn(arena, 'Float64');
    this.#max = new FixedColumn(arena, 'Float64');
    this.#temporality = new FixedColumn(arena, 'Int32');
    this.#exemplars = new ExemplarColumns(arena);
    tools.attributes.protect(this.#exemplars.attributes, 'metric');
    this.table = new MetricTable(arena, 'otel_metrics_exponential_histogram', {
      Count: this.#count,
      Sum: this.#sum,
      Scale: this.#scale,
      ZeroCount: this.#zeroCount,
      ZeroThreshold: this.#zeroThreshold,
      PositiveOffset: this.#positive.offset,
      PositiveBucketCounts: this.#positive.counts,
      NegativeOffset: this.#negative.offset,
      NegativeBucketCounts: this.#negative.counts,
      Min: this.#min,
      Max: this.#max,
      AggregationTemporality: this.#temporality,
      ...this.#exemplars.columns,
    });
  }

  point = (position: number, end: number): RejectCode | undefined => {
    const { arena, wire, attributes } = this.#tools;
    const to = this.table;
    const positivesBefore = this.#positive.count.rows();
    const negativesBefore = this.#negative.count.rows();
    let startAt = -1;
    let timeAt = -1;
    let countAt = -1;
    let sumAt = -1;
    let minAt = -1;
    let maxAt = -1;
    let scale = 0;
    let zeroCountAt = -1;
    let zeroThresholdAt = -1;
    let positiveOffset = 0;
    let negativeOffset = 0;
    let flags = 0;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      switch (tag) {
        case attribute: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          attributes.put(to.attributes, p - length, p);
          break;
        }
        case startTime:
          startAt = p;
          p += 8;
          break;
        case time:
          timeAt = p;
          p += 8;
          break;
        case countField:
          countAt = p;
          p += 8;
          break;
        case sumField:
          sumAt = p;
          p += 8;
          break;
        case scaleField:
          scale = signed(wire.varint(p));
          p = wire.pos;
          break;
        case zeroCountField:
          zeroCountAt = p;
          p += 8;
          break;
        case positive: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          positiveOffset = this.#buckets(this.#positive, p - length, p, positiveOffset);
          break;
        }
        case negative: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          negativeOffset = this.#buckets(this.#negative, p - length, p, negativeOffset);
          break;
        }
        case flagsField:
          flags = wire.varint(p);
          p = wire.pos;
          break;
        case exemplar: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          putExemplar(this.#tools, this.#exemplars, p - length, p);
          break;
        }
        case minField:
          minAt = p;
          p += 8;
          break;
        case maxField:
          maxAt = p;
          p += 8;
          break;
        case zeroThresholdField:
          zeroThresholdAt = p;
          p += 8;
          break;
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    to.putPoint(startAt, timeAt, flags);
    arena.putFixed64(this.#count.region, countAt);
    putDouble(arena, this.#sum, sumAt);
    arena.putUint32(this.#scale.region, scale);
    arena.putFixed64(this.#zeroCount.region, zeroCountAt);
    putDouble(arena, this.#zeroThreshold, zeroThresholdAt);
    arena.putUint32(this.#positive.offset.region, positiveOffset);
    endArray(arena, this.#positive.counts, this.#positive.count);
    arena.putUint32(this.#negative.offset.region, negativeOffset);
    endArray(arena, this.#negative.counts, this.#negative.count);
    putDouble(arena, this.#min, minAt);
    putDouble(arena, this.#max, maxAt);
    arena.putCount(this.#exemplars.list.ends, this.#exemplars.attributes.rows());
    const positives = this.#positive.count.rows() - positivesBefore;
    const negatives = this.#negative.count.rows() - negativesBefore;
    const fit =
      isInRange(scale, positiveOffset, positives) && isInRange(scale, negativeOffset, negatives);
    return fit || (flags & noRecordedValue) !== 0 ? undefined : 'ERR_POINT_RANGE';
  };

  finish = (rows: number, temporality: number): void =>
    repeatUint32(this.#tools.arena, this.#temporality, temporality, rows);

  /** Writes the counts and returns the offset, `before` when the message says none. */
  #buckets(side: Side, position: number, end: number, before: number): number {
    const { arena, wire } = this.#tools;
    let offset = before;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      switch (tag) {
        case bucketOffset:
          offset = signed(wire.varint(p));
          p = wire.pos;
          break;
        case bucketCount:
          wire.varint64(p);
          arena.putUint64(side.count.region, wire.low, wire.high);
          p = wire.pos;
          break;
        case bucketCounts: {
          const length = wire.length(p, end);
          p = wire.pos;
          const packedEnd = p + length;
          while (p < packedEnd) {
            wire.varint64(p);
            arena.putUint64(side.count.region, wire.low, wire.high);
            p = wire.pos;
          }
          wire.landed(p, packedEnd);
          break;
        }
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    return offset;
  }
}

/**
 * Whether some double lies in each of the buckets: bucket `i` reaches from 2^(i·2^-scale) to the
 * beginning of the next one. The data model asks consumers to reject others.
 */
const isInRange = (scale: number, offset: number, buckets: number): boolean => {
  if (buckets === 0) return true;
  const width = 2 ** -scale;
  return (offset + buckets - 1) * width < 1024 && (offset + 1) * width > -1075;
};

/** Zigzag, as sint32 has it. */
const signed = (value: number): number => (value >>> 1) ^ -(value & 1);
