import { FixedColumn } from './columns.ts';
import { ExemplarColumns, MetricTable } from './metric-columns.ts';
import {
  type PointTools,
  type PointWalker,
  putDouble,
  putExemplar,
  putInteger,
  repeatUint32,
} from './points.ts';
import { bytesField, fixed64Field, varintField } from './wire.ts';

const startTime = fixed64Field(2);
const time = fixed64Field(3);
const asDouble = fixed64Field(4);
const exemplar = bytesField(5);
const asInteger = fixed64Field(6);
const attribute = bytesField(7);
const flagsField = varintField(8);

/** Gauges, and sums, which also have a temporality and may be monotonic. */
export class NumberPoints implements PointWalker {
  readonly table: MetricTable;
  readonly #tools: PointTools;
  readonly #value: FixedColumn;
  readonly #sum:
    | { readonly temporality: FixedColumn; readonly isMonotonic: FixedColumn }
    | undefined;
  readonly #exemplars: ExemplarColumns;

  constructor(tools: PointTools, kind: 'gauge' | 'sum') {
    const { arena } = tools;
    this.#tools = tools;
    this.#value = new FixedColumn(arena, 'Float64');
    this.#exemplars = new ExemplarColumns(arena);
    tools.attributes.protect(this.#exemplars.attributes, 'metric');
    if (kind === 'sum') {
      this.#sum = {
        temporality: new FixedColumn(arena, 'Int32'),
        isMonotonic: new FixedColumn(arena, 'Bool'),
      };
    }
    this.table = new MetricTable(arena, `otel_metrics_${kind}`, {
      Value: this.#value,
      ...(this.#sum && {
        AggregationTemporality: this.#sum.temporality,
        IsMonotonic: this.#sum.isMonotonic,
      }),
      ...this.#exemplars.columns,
    });
  }

  point = (position: number, end: number): undefined => {
    const { arena, wire, attributes } = this.#tools;
    const to = this.table;
    let startAt = -1;
    let timeAt = -1;
    let valueAt = -1;
    let isInteger = false;
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
        case asDouble:
        case asInteger:
          valueAt = p;
          isInteger = tag === asInteger;
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
    if (isInteger) putInteger(arena, this.#value, valueAt);
    else putDouble(arena, this.#value, valueAt);
    arena.putCount(this.#exemplars.list.ends, this.#exemplars.attributes.rows());
  };

  finish = (rows: number, temporality: number, isMonotonic: boolean): void => {
    if (!this.#sum) return;
    const { arena } = this.#tools;
    repeatUint32(arena, this.#sum.temporality, temporality, rows);
    arena.putByte(this.#sum.isMonotonic.region, isMonotonic ? 1 : 0);
    arena.repeat(this.#sum.isMonotonic.region, 1, rows - 1);
  };
}
