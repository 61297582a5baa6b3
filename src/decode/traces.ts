import type { Arena } from './arena.ts';
import type { Attributes } from './attributes.ts';
import type { ItemWalker } from './envelope.ts';
import type { PlaceRules } from './redaction.ts';
import type { RejectCode, Rejections } from './rejections.ts';
import { type SpanWeigher, untouched } from './sampler.ts';
import { spanTellings } from './samples.ts';
import { adjustedCount } from './sampling.ts';
import { SpanParts } from './span-parts.ts';
import { isZero } from './text-column.ts';
import { TraceColumns } from './trace-columns.ts';
import { bytesField, varintField, type Wire } from './wire.ts';

const traceIdBytes = 16;
const spanIdBytes = 8;

/** Walks spans into `otel_traces`. */
export class TraceWalker implements ItemWalker {
  readonly tables: readonly [TraceColumns];
  readonly #to: TraceColumns;
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #attributes: Attributes;
  readonly #rejections: Rejections;
  readonly #sampler: SpanWeigher | undefined;
  readonly #parts: SpanParts;
  /** For names and status messages. */
  readonly #textRules: PlaceRules | undefined;
  #traceIdAt = -1;
  #spanIdAt = -1;

  constructor(
    arena: Arena,
    wire: Wire,
    attributes: Attributes,
    rejections: Rejections,
    sampler: SpanWeigher | undefined,
  ) {
    this.#to = new TraceColumns(arena);
    this.tables = [this.#to];
    this.#arena = arena;
    this.#wire = wire;
    this.#attributes = attributes;
    this.#rejections = rejections;
    this.#sampler = sampler;
    this.#parts = new SpanParts(this.#to, arena, wire, attributes);
    this.#textRules = attributes.textRules('span');
    attributes.protect(this.#to.attributes, 'span');
    attributes.protect(this.#to.eventAttributes, 'event');
    attributes.protect(this.#to.linkAttributes, 'link');
  }

  resource = (position: number, end: number): void => this.#sampler?.resource(position, end);

  /**
   * Whether the span has ids is known before anything is written. Scalars are remembered as
   * positions and written at the end: proto3's defaults and "the last one wins" come free.
   */
  item = (position: number, end: number): void => {
    if (!this.#identify(position, end)) return;
    if (this.#rejections.condemnsAny && this.#isCondemned(position, end)) return;
    const weight = this.#sampler ? this.#sampler.weigh(this.#traceIdAt, position, end) : untouched;
    if (weight === 0) return;
    const to = this.#to;
    const wire = this.#wire;
    const { view } = this.#arena;
    let stateAt = position;
    let stateLength = 0;
    let parentAt = position;
    let parentLength = 0;
    let nameAt = position;
    let nameLength = 0;
    let kind = 0;
    let startAt = -1;
    let endAt = -1;
    let droppedAttributes = 0;
    let droppedEvents = 0;
    let droppedLinks = 0;
    let statusAt = position;
    let statusEnd = position;
    let flags = 0;

    let p = position;
    while (p < end) {
      let tag = view.getUint8(p);
      p += 1;
      if (tag > 127) {
        tag = wire.varint(p - 1);
        p = wire.pos;
      }
      // Literal cases, because V8 makes a jump table of them.
      if ((tag & 7) === 2 && tag > 7) {
        const length = wire.length(p, end);
        const at = wire.pos;
        p = at + length;
        switch (tag >>> 3) {
          case 3:
            stateAt = at;
            stateLength = length;
            break;
          case 4:
            parentAt = at;
            parentLength = length;
            break;
          case 5:
            nameAt = at;
            nameLength = length;
            break;
          case 9:
            this.#attributes.put(to.attributes, at, p);
            break;
          case 11:
            this.#parts.event(at, p);
            break;
          case 13:
            this.#parts.link(at, p);
            break;
          case 15:
            statusAt = at;
            statusEnd = p;
            break;
        }
        continue;
      }
      switch (tag) {
        case 6 * 8:
          kind = wire.varint(p);
          p = wire.pos;
          break;
        case 7 * 8 + 1:
          startAt = p;
          p += 8;
          break;
        case 8 * 8 + 1:
          endAt = p;
          p += 8;
          break;
        case 10 * 8:
          droppedAttributes = wire.varint(p);
          p = wire.pos;
          break;
        case 12 * 8:
          droppedEvents = wire.varint(p);
          p = wire.pos;
          break;
        case 14 * 8:
          droppedLinks = wire.varint(p);
          p = wire.pos;
          break;
        case 16 * 8 + 5:
          flags = view.getUint32(p, true);
          p += 4;
          break;
        default:
          p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);

    const arena = this.#arena;
    this.#times(position, startAt, endAt);
    to.traceId.putHex(this.#traceIdAt, traceIdBytes);
    to.spanId.putHex(this.#spanIdAt, spanIdBytes);
    this.#parent(parentAt, parentLength);
    to.traceState.put(stateAt, stateLength);
    if (this.#textRules === undefined) to.spanName.put(nameAt, nameLength);
    else this.#attributes.putString(to.spanName, nameAt, nameLength, this.#textRules);
    to.spanKind.put(kind);
    to.attributes.endRow();
    this.#status(statusAt, statusEnd);
    arena.putCount(to.events.ends, to.eventTime.rows());
    arena.putCount(to.links.ends, to.linkAttributes.rows());
    arena.putUint32(to.flags.region, flags);
    arena.putUint32(to.droppedAttributes.region, droppedAttributes);
    arena.putUint32(to.droppedEvents.region, droppedEvents);
    arena.putUint32(to.droppedLinks.region, droppedLinks);
    arena.putFloat64(
      to.adjustedCount.region,
      weight !== untouched
        ? weight
        : stateLength === 0
          ? 1
          : adjustedCount(arena.view, stateAt, stateLength),
    );
  };

  /** Finds the ids; false, and counted, when the span has none that are valid. */
  #identify(position: number, end: number): boolean {
    const { view } = this.#arena;
    // Encoders write fields in order, so nearly every span begins with its two ids.
    if (
      position + 28 <= end &&
      view.getUint16(position, true) === (bytesField(1) | (traceIdBytes << 8)) &&
      view.getUint16(position + 18, true) === (bytesField(2) | (spanIdBytes << 8))
    ) {
      this.#traceIdAt = position + 2;
      this.#spanIdAt = position + 20;
    } else {
      this.#searchIds(position, end);
    }
    if (this.#traceIdAt < 0 || isZero(view, this.#traceIdAt, traceIdBytes)) {
      this.#reject('ERR_SPAN_TRACE_ID', position, end);
      return false;
    }
    if (this.#spanIdAt < 0 || isZero(view, this.#spanIdAt, spanIdBytes)) {
      this.#reject('ERR_SPAN_SPAN_ID', position, end);
      return false;
    }
    return true;
  }

  #isCondemned(position: number, end: number): boolean {
    const code = this.#rejections.sentence(position);
    if (code) this.#reject(code, position, end);
    return code !== undefined;
  }

  #reject(code: RejectCode, position: number, end: number): void {
    const rejections = this.#rejections;
    rejections.add(code, () => rejections.samples.item(spanTellings, position, end));
  }

  #searchIds(position: number, end: number): void {
    const wire = this.#wire;
    this.#traceIdAt = -1;
    this.#spanIdAt = -1;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      const at = wire.pos;
      p = wire.skip(tag, at, end);
      if (tag === bytesField(1)) {
        this.#traceIdAt = wire.length(at, end) === traceIdBytes ? wire.pos : -1;
      } else if (tag === bytesField(2)) {
        this.#spanIdAt = wire.length(at, end) === spanIdBytes ? wire.pos : -1;
      }
    }
    wire.landed(p, end);
  }

  /**
   * The ids of a span are required, its parent is not: without it nothing else is in doubt, so the
   * span is kept, and its sender told, where a span without ids of its own is left out.
   */
  #parent(position: number, length: number): void {
    if (length === spanIdBytes) return this.#to.parentSpanId.putHex(position, length);
    if (length > 0) this.#rejections.warn('parent');
    this.#to.parentSpanId.putEmpty();
  }

  /** Start and duration, which is 0 when the end is missing or earlier than the start. */
  #times(position: number, startAt: number, endAt: number): void {
    const { view } = this.#arena;
    const startLow = startAt < 0 ? 0 : view.getUint32(startAt, true);
    const startHigh = startAt < 0 ? 0 : view.getUint32(startAt + 4, true);
    const endLow = endAt < 0 ? 0 : view.getUint32(endAt, true);
    const endHigh = endAt < 0 ? 0 : view.getUint32(endAt + 4, true);
    this.#rejections.judgeTime(position, startLow, startHigh);
    const borrow = endLow < startLow ? 1 : 0;
    const high = endHigh - startHigh - borrow;
    this.#arena.putUint64(this.#to.time.region, startLow, startHigh);
    if (high < 0) this.#arena.putCount(this.#to.duration.region, 0);
    else this.#arena.putUint64(this.#to.duration.region, endLow - startLow, high);
  }

  #status(position: number, end: number): void {
    const wire = this.#wire;
    let code = 0;
    let messageAt = position;
    let messageLength = 0;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      p = wire.pos;
      if (tag === varintField(3)) {
        code = wire.varint(p);
        p = wire.pos;
      } else if (tag === bytesField(2)) {
        messageLength = wire.length(p, end);
        messageAt = wire.pos;
        p = messageAt + messageLength;
      } else {
        p = wire.skip(tag, p, end);
      }
    }
    wire.landed(p, end);
    this.#to.statusCode.put(code);
    const { statusMessage } = this.#to;
    if (this.#textRules === undefined) statusMessage.put(messageAt, messageLength);
    else this.#attributes.putString(statusMessage, messageAt, messageLength, this.#textRules);
  }
}
