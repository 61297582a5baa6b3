import { ArrayColumn, FixedColumn } from './columns.ts';
import { MetricTable } from './metric-columns.ts';
import { endArray, type PointTools, type PointWalker, putDouble } from './points.ts';
import { bytesField, fixed64Field, varintField } from './wire.ts';

const startTime = fixed64Field(2);
const time = fixed64Field(3);
const countField = fixed64Field(4);
const sumField = fixed64Field(5);
const quantileValue = bytesField(6);
const attribute = bytesField(7);
const flagsField = varintField(8);

const quantileField = fixed64Field(1);
const valueField = fixed64Field(2);

export class SummaryPoints implements PointWalker {
  readonly table: MetricTable;
  readonly #tools: PointTools;
  readonly #count: FixedColumn;
  readonly #sum: FixedColumn;
  readonly #quantile: FixedColumn;
  readonly #value: FixedColumn;
  readonly #quantiles: ArrayColumn;

  constructor(tools: PointTools) {
    const { arena } = tools;
    this.#tools = tools;
    this.#count = new FixedColumn(arena, 'UInt64');
    this.#sum = new FixedColumn(arena, 'Float64');
    this.#quantile = new FixedColumn(arena, 'Float64');
    this.#value = new FixedColumn(arena, 'Float64');
    this.#quantiles = new ArrayColumn(arena, this.#quantile);
    this.table = new MetricTable(arena, 'otel_metrics_summary', {
      Count: this.#count,
      Sum: this.#sum,
      'ValueAtQuantiles.Quantile': this.#quantiles,
      'ValueAtQuantiles.Value': new ArrayColumn(arena, this.#value, this.#quantiles.ends),
    });
  }

  point = (position: number, end: number): undefined => {
    const { arena, wire, attributes } = this.#tools;
    const to = this.table;
    let startAt = -1;
    let timeAt = -1;
    let countAt = -1;
    let sumAt = -1;
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
        case quantileValue: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          this.#putQuantile(p - length, p);
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
    endArray(arena, this.#quantiles, this.#quantile);
  };

  finish = (): void => {};

  #putQuantile(position: number, end: number): void {
    const { arena, wire } = this.#tools;
    let quantileAt = -1;
    let valueAt = -1;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      if (tag === quantileField) quantileAt = p;
      else if (tag === valueField) valueAt = p;
      p = wire.skip(tag, p, end);
    }
    wire.landed(p, end);
    putDouble(arena, this.#quantile, quantileAt);
    putDouble(arena, this.#value, valueAt);
  }
}
