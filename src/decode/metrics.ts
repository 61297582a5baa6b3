import type { ItemWalker } from './envelope.ts';
import { ExponentialPoints } from './exponential-points.ts';
import { HistogramPoints } from './histogram-points.ts';
import type { LeftOut } from './left-out.ts';
import type { MetricTable } from './metric-columns.ts';
import { NumberPoints } from './number-points.ts';
import type { PointTools, PointWalker } from './points.ts';
import type { RejectCode, Rejections } from './rejections.ts';
import type { SeriesWatch } from './series-watch.ts';
import { SummaryPoints } from './summary-points.ts';
import { bytesField, varintField } from './wire.ts';

const nameField = bytesField(1);
const descriptionField = bytesField(2);
const unitField = bytesField(3);

// The five kinds of data use the same field numbers.
const dataPoint = bytesField(1);
const temporalityField = varintField(2);
const isMonotonicField = varintField(3);

/** Walks metrics into the five metric tables, a row per data point. */
export class MetricWalker implements ItemWalker {
  readonly tables: readonly MetricTable[];
  readonly #tools: PointTools;
  readonly #rejections: Rejections;
  readonly #series: SeriesWatch | undefined;
  readonly #leftOut: LeftOut;
  readonly #kinds: ReadonlyMap<number, PointWalker>;
  #nameAt = 0;
  #nameLength = 0;
  #temporality = 0;
  #isMonotonic = false;

  constructor(
    tools: PointTools,
    rejections: Rejections,
    series: SeriesWatch | undefined,
    leftOut: LeftOut,
  ) {
    this.#leftOut = leftOut;
    const { attributes } = tools;
    this.#rejections = rejections;
    this.#tools = tools;
    this.#series = series;
    this.#kinds = new Map<number, PointWalker>([
      [bytesField(5), new NumberPoints(this.#tools, 'gauge')],
      [bytesField(7), new NumberPoints(this.#tools, 'sum')],
      [bytesField(9), new HistogramPoints(this.#tools)],
      [bytesField(10), new ExponentialPoints(this.#tools)],
      [bytesField(11), new SummaryPoints(this.#tools)],
    ]);
    this.tables = [...this.#kinds.values()].map(({ table }) => table);
    for (const table of this.tables) attributes.protect(table.attributes, 'metric');
  }

  resource = (position: number, end: number): void => this.#series?.resource(position, end);

  item = (position: number, end: number): void => {
    const { wire } = this.#tools;
    let nameAt = position;
    let nameLength = 0;
    let descriptionAt = position;
    let descriptionLength = 0;
    let unitAt = position;
    let unitLength = 0;
    let data = 0;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      const at = wire.pos;
      p = wire.skip(tag, at, end);
      switch (tag) {
        case nameField:
          nameLength = wire.length(at, end);
          nameAt = wire.pos;
          break;
        case descriptionField:
          descriptionLength = wire.length(at, end);
          descriptionAt = wire.pos;
          break;
        case unitField:
          unitLength = wire.length(at, end);
          unitAt = wire.pos;
          break;
        default:
          // A oneof: the last kind wins.
          if (this.#kinds.has(tag)) data = tag;
      }
    }
    wire.landed(p, end);
    const kind = this.#kinds.get(data);
    if (!kind) return this.#rejections.warn('no-data');
    this.#nameAt = nameAt;
    this.#nameLength = nameLength;
    this.#series?.metric(nameAt, nameLength);
    this.#points(kind, data, position, end);
    const { table } = kind;
    const rows = table.rows() - table.metricName.rows();
    if (rows === 0) return;
    table.metricName.fill(nameAt, nameLength, rows);
    table.metricDescription.fill(descriptionAt, descriptionLength, rows);
    table.metricUnit.fill(unitAt, unitLength, rows);
    kind.finish(rows, this.#temporality, this.#isMonotonic);
  };

  #points(kind: PointWalker, data: number, position: number, end: number): void {
    const { wire } = this.#tools;
    this.#temporality = 0;
    this.#isMonotonic = false;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      const at = wire.pos;
      p = wire.skip(tag, at, end);
      if (tag !== data) continue;
      const length = wire.length(at, end);
      this.#data(kind, wire.pos, wire.pos + length);
    }
  }

  #point(kind: PointWalker, position: number, end: number): void {
    const rejections = this.#rejections;
    if (rejections.condemnsAny) {
      const code = rejections.sentence(position);
      if (code) return this.#reject(code);
    }
    const { attributes } = kind.table;
    const keysFrom = attributes.keys.region.at - attributes.keys.region.base;
    const valuesFrom = attributes.values.region.at - attributes.values.region.base;
    const code = kind.point(position, end);
    if (code) rejections.condemn(position, code);
    else kind.table.judgeTime(position, rejections);
    const leftOut = this.#leftOut;
    if (rejections.isSecondWalk || !(this.#series || leftOut.recalls)) return;
    const wasOut = leftOut.recalls && leftOut.next();
    if (rejections.isCondemned(position)) return leftOut.note(false);
    const isOut =
      wasOut || (!leftOut.recalls && !this.#series?.admits(attributes, keysFrom, valuesFrom));
    leftOut.note(isOut);
    if (isOut) rejections.condemn(position, 'ERR_POINT_SERIES');
  }

  #reject(code: RejectCode): void {
    const { samples } = this.#rejections;
    this.#rejections.add(code, () => {
      const metric = `metric=${samples.quoted(this.#nameAt, this.#nameAt + this.#nameLength)}`;
      const of = code === 'ERR_POINT_SERIES' ? (this.#series?.told() ?? '') : '';
      return of === '' ? metric : `${metric} ${of}`;
    });
  }

  #data(kind: PointWalker, position: number, end: number): void {
    const { wire } = this.#tools;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      switch (tag) {
        case dataPoint: {
          const length = wire.length(p, end);
          p = wire.pos + length;
          this.#point(kind, p - length, p);
          break;
        }
        case temporalityField:
          this.#temporality = wire.varint(p);
          p = wire.pos;
          break;
        case isMonotonicField:
          this.#isMonotonic = wire.varint(p) !== 0;
          p = wire.pos;
          break;
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
  }
}
