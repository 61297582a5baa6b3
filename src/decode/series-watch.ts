import type { SharedSeries } from '../model/series.ts';
import type { Arena } from './arena.ts';
import type { Attributes } from './attributes.ts';
import type { MapColumn } from './map-column.ts';
import type { PointTools } from './points.ts';
import { examine, type PlaceRules, type Redaction } from './redaction.ts';
import { SeriesBook } from './series-book.ts';
import { mixed, SeriesHash } from './series-hash.ts';
import { SeriesSuspects } from './series-suspects.ts';
import type { TextColumn } from './text-column.ts';
import { bytesField, type Wire } from './wire.ts';

const resourceField = bytesField(1);
const attributeField = bytesField(1);

/** Hash of the service of a resource without a name; 0 would be all services. */
const nobody = 1;

/**
 * Points are looked at one by one when new series were seen lately or limits are near, else one in so
 * many: series report again and again, so that one is found soon enough, and the others are free.
 */
const pointsPerLook = 8;
/** Points looked at one by one behind a new series, and where there may be few more. */
const pointsBehind = { new: 1_024, near: 1_000_000 } as const;

const serviceNameKey = new TextEncoder().encode('service.name');

/**
 * Keeps the number of series within limits. A series is told by service, metric, resource and the
 * attributes of its points as they are stored; scopes are not told apart.
 */
export class SeriesWatch {
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #attributes: Attributes;
  readonly #redaction: PlaceRules | undefined;
  readonly #book: SeriesBook;
  readonly #suspects = new SeriesSuspects();
  readonly #hash = new SeriesHash();
  #resourceLow = 0;
  #resourceHigh = 0;
  #service = nobody;
  /** Hash of the metric and its service; 0 until it is needed. */
  #metric = 0;
  #nameAt = 0;
  #nameLength = 0;
  /** Points that are still looked at one by one. */
  #alert: number = pointsBehind.near;
  #passed = 0;
  /** Where the message with the resource at hand is. */
  #resourceAt = 0;
  #resourceEnd = 0;

  constructor(
    { arena, wire, attributes }: PointTools,
    series: SharedSeries,
    redaction: Redaction | undefined,
  ) {
    this.#arena = arena;
    this.#wire = wire;
    this.#attributes = attributes;
    this.#redaction = redaction?.in('resource');
    this.#book = new SeriesBook(series);
  }

  begin(nowMs: number): void {
    this.#book.turnTo(nowMs);
    this.#suspects.turnTo(this.#book.generation);
  }

  /** What follows is of the resource in this message. */
  resource(position: number, end: number): void {
    this.#resourceLow = 0;
    this.#resourceHigh = 0;
    this.#service = nobody;
    this.#resourceAt = position;
    this.#resourceEnd = end;
    this.#eachShared(this.#addShared);
  }

  /** What follows is of the metric of this name. */
  metric(position: number, length: number): void {
    this.#nameAt = position;
    this.#nameLength = length;
    this.#metric = 0;
  }

  /**
   * Whether there may be a point with the attributes that were put last: those behind these bytes
   * of the map's keys and values.
   */
  admits(map: MapColumn<TextColumn>, keysFrom: number, valuesFrom: number): boolean {
    if (this.#alert > 0) this.#alert -= 1;
    else if ((this.#passed = (this.#passed + 1) % pointsPerLook) !== 0) return true;
    const hash = this.#hash;
    const metric = this.#metricHash();
    hash.low = this.#resourceLow ^ metric;
    hash.high = (this.#resourceHigh + metric) | 0;
    const { view, indexShift } = this.#arena;
    const { keys, values } = map;
    let at = values.region.base + valuesFrom;
    const end = keys.region.at;
    for (let key = keys.region.base + keysFrom; key < end; key += 1 << indexShift) {
      const id = indexShift === 1 ? view.getUint16(key, true) : view.getUint32(key, true);
      let length = view.getUint8(at);
      at += 1;
      if (length > 127) [at, length] = this.#longLength(at - 1);
      hash.add(view, at, at + length, keys.dictionary.hashOf(id));
      at += length;
    }
    const is = this.#book.admit(mixed(hash.low), mixed(hash.high), metric, this.#service);
    if (is === 'known') return true;
    this.#alert = Math.max(this.#alert, pointsBehind[is === 'new' ? 'new' : 'near']);
    if (is === 'new' || is === 'near') return true;
    if (this.#suspects.note(metric, is)) this.#suspect(map, keysFrom, valuesFrom);
    return false;
  }

  /** What is known of the series of the metric at hand that were refused. */
  told(): string {
    return this.#suspects.told(this.#metricHash());
  }

  #metricHash(): number {
    if (this.#metric === 0) {
      const hash = this.#hash;
      hash.reset();
      hash.add(this.#arena.view, this.#nameAt, this.#nameAt + this.#nameLength, this.#service);
      this.#metric = hash.low ^ hash.high || 1;
    }
    return this.#metric;
  }

  #eachShared(visit: (position: number, end: number) => void): void {
    const wire = this.#wire;
    wire.each(this.#resourceAt, this.#resourceEnd, resourceField, (from, till) =>
      wire.each(from, till, attributeField, visit),
    );
  }

  #addShared = (position: number, end: number): void => {
    const attributes = this.#attributes;
    attributes.peek(position, end);
    // What redaction drops, masks or hashes does not tell series apart.
    if (this.#redaction && this.#redaction.verdictOf(attributes.lastKeyText()) > examine) return;
    const hash = this.#hash;
    hash.reset();
    hash.add(this.#arena.view, position, end, 0);
    this.#resourceLow = (this.#resourceLow + hash.low) | 0;
    this.#resourceHigh = (this.#resourceHigh + hash.high) | 0;
    if (attributes.keyIs(serviceNameKey)) this.#service = hash.low || nobody;
  };

  /** Slow: for a few points of series that are refused. */
  #suspect(map: MapColumn<TextColumn>, keysFrom: number, valuesFrom: number): void {
    const hash = this.#hash;
    const { view, indexShift } = this.#arena;
    const { keys, values } = map;
    let at = values.region.base + valuesFrom;
    const end = keys.region.at;
    for (let key = keys.region.base + keysFrom; key < end; key += 1 << indexShift) {
      const id = indexShift === 1 ? view.getUint16(key, true) : view.getUint32(key, true);
      let length = view.getUint8(at);
      at += 1;
      if (length > 127) [at, length] = this.#longLength(at - 1);
      hash.reset();
      hash.add(view, at, at + length, 0);
      this.#suspects.see(this.#metric, keys.dictionary.word(id), hash.low);
      at += length;
    }
    this.#eachShared((position, end) => {
      this.#attributes.peek(position, end);
      hash.reset();
      hash.add(this.#arena.view, position, end, 0);
      this.#suspects.see(this.#metric, this.#attributes.lastKeyText(), hash.low);
    });
  }

  /** A length of 128 or more, and where what is that long begins. */
  #longLength(position: number): [at: number, length: number] {
    const wire = this.#wire;
    const length = wire.varint(position);
    return [wire.pos, length];
  }
}
