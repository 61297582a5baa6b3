import { ArrayColumn, FixedColumn } from './columns.ts';
import { ExemplarColumns, MetricTable } from './metric-columns.ts';
import {
  endArray,
  noRecordedValue,
  type PointTools,
  type PointWalker,
  putDouble,
  putExemplar,
  putPacked64,
  repeatUint32,
} from './points.ts';
import type { RejectCode } from './rejections.ts';
import { bytesField, fixed64Field, varintField } from './wire.ts';

const startTime = fixed64Field(2);
const time = fixed64Field(3);
const countField = fixed64Field(4);
const sumField = fixed64Field(5);
const bucketCounts = bytesField(6);
const bucketCount = fixed64Field(6);
const explicitBounds = bytesField(7);
const explicitBound = fixed64Field(7);
const exemplar = bytesField(8);
const attribute = bytesField(9);
const flagsField = varintField(10);
const minField = fixed64Field(11);
const maxField = fixed64Field(12);

export class HistogramPoints implements PointWalker {
  readonly table: MetricTable;
  readonly #tools: PointTools;
  readonly #count: FixedColumn;
  readonly #sum: FixedColumn;
  readonly #bucketCount: FixedColumn;
  readonly #bucketCounts: ArrayColumn;
  readonly #bound: FixedColumn;
  readonly #bounds: ArrayColumn;
  readonly #min: FixedColumn;
  readonly #max: FixedColumn;
  readonly #temporality: FixedColumn;
  readonly #exemplars: ExemplarColumns;

  constructor(tools: PointTools) {
    const { arena } = tools;
    this.#tools = tools;
    this.#count = new FixedColumn(arena, 'UInt64');
    this.#sum = new FixedColumn(arena, 'Float64');
    this.#bucketCount = new FixedColumn(arena, 'UInt64');
    this.#bucketCounts = new ArrayColumn(arena, this.#bucketCount);
    this.#bound = new FixedColumn(arena, 'Float64');
    this.#bounds = new ArrayColumn(arena, this.#bound);
    this.#min = new FixedColumn(arena, 'Float64');
    this.#max = new FixedColumn(arena, 'Float64');
    this.#temporality = new FixedColumn(arena, 'Int32');
    this.#exemplars = new ExemplarColumns(arena);
    tools.attributes.protect(this.#exemplars.attributes, 'metric');
    this.table = new MetricTable(arena, 'otel_metrics_histogram', {
      Count: this.#count,
      Sum: this.#sum,
      BucketCounts: this.#bucketCounts,
      ExplicitBounds: this.#bounds,
      Min: this.#min,
      Max: this.#max,
      AggregationTemporality: this.#temporality,
      ...this.#exemplars.columns,
    });
  }

  point = (position: number, end: number): RejectCode | undefined => {
    const { arena, wire, attributes } = this.#tools;
    const to = this.table;
    const countsBefore = this.#bucketCount.rows();
    const boundsBefore = this.#bound.rows();
    let startAt = -1;
    let timeAt = -1;
    let countAt = -1;
    let sumAt = -1;
    let minAt = -1;
    let maxAt = -1;
    let flags = 0;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      switch (tag) {
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
        case minField:
          minAt = p;
          p += 8;
          break;
        case maxField:
          maxAt = p;
          p += 8;
          break;
        case bucketCounts: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          putPacked64(arena, this.#bucketCount.region, p - length, length);
          break;
        }
        case bucketCount:
          arena.putFixed64(this.#bucketCount.region, p);
          p += 8;
          break;
        case explicitBounds: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          putPacked64(arena, this.#bound.region, p - length, length);
          break;
        }
        case explicitBound:
          arena.putFixed64(this.#bound.region, p);
          p += 8;
          break;
        case exemplar: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          putExemplar(this.#tools, this.#exemplars, p - length, p);
          break;
        }
        case attribute: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          attributes.put(to.attributes, p - length, p);
          break;
        }
        case flagsField:
          flags = wire.varint(p);
          p = wire.pos;
          break;
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    to.putPoint(startAt, timeAt, flags);
    arena.putFixed64(this.#count.region, countAt);
    putDouble(arena, this.#sum, sumAt);
    putDouble(arena, this.#min, minAt);
    putDouble(arena, this.#max, maxAt);
    endArray(arena, this.#bucketCounts, this.#bucketCount);
    endArray(arena, this.#bounds, this.#bound);
    arena.putCount(this.#exemplars.list.ends, this.#exemplars.attributes.rows());
    const counts = this.#bucketCount.rows() - countsBefore;
    const bounds = this.#bound.rows() - boundsBefore;
    const fit = counts === bounds + 1 || (counts === 0 && bounds === 0);
    return fit || (flags & noRecordedValue) !== 0 ? undefined : 'ERR_POINT_BUCKETS';
  };

  finish = (rows: number, temporality: number): void =>
    repeatUint32(this.#tools.arena, this.#temporality, temporality, rows);
}
