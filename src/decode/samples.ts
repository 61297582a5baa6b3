import { Fault } from '../lib/fault.ts';
import type { Arena } from './arena.ts';
import type { Redaction } from './redaction.ts';
import { bytesField, type Wire } from './wire.ts';

/** A field of an item that tells it from others. */
interface Telling {
  readonly tag: number;
  readonly name: string;
  readonly form: 'text' | 'hex';
}

export const spanTellings: readonly Telling[] = [
  { tag: bytesField(5), name: 'name', form: 'text' },
  { tag: bytesField(1), name: 'trace_id', form: 'hex' },
  { tag: bytesField(2), name: 'span_id', form: 'hex' },
];

/** Not the body, which may say what nobody is to read. */
export const logTellings: readonly Telling[] = [
  { tag: bytesField(12), name: 'event_name', form: 'text' },
  { tag: bytesField(3), name: 'severity', form: 'text' },
  { tag: bytesField(9), name: 'trace_id', form: 'hex' },
  { tag: bytesField(10), name: 'span_id', form: 'hex' },
];

const textBytesMax = 200;
const idBytesMax = 32;
const attributeBytesMax = 1024;

const resourceField = bytesField(1);
const attributeField = bytesField(1);
const keyField = bytesField(1);
const valueField = bytesField(2);
const stringValue = bytesField(1);

/**
 * Reads pieces of a request as text, for words about what was rejected. Slow, and forgiving: what is
 * broken reads as empty.
 */
export class Samples {
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #redaction: Redaction | undefined;

  constructor(arena: Arena, wire: Wire, redaction: Redaction | undefined) {
    this.#arena = arena;
    this.#wire = wire;
    this.#redaction = redaction;
  }

  /** Such as `name="GET /" trace_id=00… span_id=`, of bounded length. */
  item(tellings: readonly Telling[], position: number, end: number): string {
    const found = new Map<number, string>();
    this.#each(position, end, (tag, from, till) => {
      const telling = tellings.find((it) => it.tag === tag);
      if (telling)
        found.set(tag, telling.form === 'text' ? this.quoted(from, till) : this.#hex(from, till));
    });
    return tellings
      .filter(({ tag, form }) => found.has(tag) || form === 'hex')
      .map(({ tag, name }) => `${name}=${found.get(tag) ?? ''}`)
      .join(' ');
  }

  quoted(position: number, end: number): string {
    const text = this.#text(position, Math.min(end, position + textBytesMax));
    return JSON.stringify(this.#redaction?.told(text) ?? text);
  }

  /** `service.name` of the Resource in a ResourceSpans, ResourceMetrics or ResourceLogs, if it is text. */
  serviceName(position: number, end: number): string {
    let serviceName: string | undefined;
    this.#each(position, end, (tag, from, till) => {
      if (tag !== resourceField) return;
      this.#each(from, till, (tag, from, till) => {
        if (tag === attributeField) serviceName ??= this.#valueOf('service.name', from, till);
      });
    });
    if (serviceName === undefined) return '';
    return this.#redaction?.toldOf('service.name', serviceName) ?? serviceName;
  }

  #valueOf(wanted: string, position: number, end: number): string | undefined {
    let key = '';
    let value = '';
    this.#each(position, end, (tag, from, till) => {
      if (tag === keyField) key = this.#text(from, Math.min(till, from + attributeBytesMax));
      if (tag !== valueField) return;
      this.#each(from, till, (tag, from, till) => {
        if (tag === stringValue) value = this.#text(from, Math.min(till, from + attributeBytesMax));
      });
    });
    return key === wanted ? value : undefined;
  }

  /** Calls `visit` for each field that has a length. */
  #each(
    position: number,
    end: number,
    visit: (tag: number, position: number, end: number) => void,
  ): void {
    const wire = this.#wire;
    try {
      for (let p = position; p < end; ) {
        const tag = wire.varint(p);
        const at = wire.pos;
        p = wire.skip(tag, at, end);
        if ((tag & 7) !== 2) continue;
        const length = wire.length(at, end);
        visit(tag, wire.pos, wire.pos + length);
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }

  #text(position: number, end: number): string {
    return decoder.decode(this.#arena.bytes.subarray(position, end));
  }

  #hex(position: number, end: number): string {
    const till = Math.min(end, position + idBytesMax);
    return Buffer.from(this.#arena.bytes.subarray(position, till)).toString('hex');
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
