import { messageOf } from '../lib/fault.ts';
import type { Signal } from '../model/ingest.ts';
import { malformedJson } from './faults.ts';
import { checkJsonBounds } from './json-bounds.ts';
import { type Field, requestShape, type Scalar, type Shape } from './message-shapes.ts';
import { WireWriter } from './wire-writer.ts';

/** Objects inside each other: what 50 levels of AnyValue need, and the envelope around them. */
const depthMax = 120;

const wireTypes: Readonly<Record<Scalar, number>> = {
  string: 2,
  bytes: 2,
  id: 2,
  bool: 0,
  int32: 0,
  uint32: 0,
  sint32: 0,
  int64: 0,
  uint64: 0,
  fixed32: 5,
  fixed64: 1,
  sfixed64: 1,
  double: 1,
};

/**
 * OTLP's JSON as the protobuf request it stands for, so that both encodings take the same walk and
 * give the same rows. Unknown names are ignored, as OTLP demands; a wrong type is named with its
 * place. Ids that are not hex become empty: the walk rejects their spans alone.
 */
export class JsonReader {
  readonly #shape: Shape;
  readonly #writer: WireWriter;
  #path: (string | number)[] = [];

  constructor(signal: Signal, bytesMax: number) {
    this.#shape = requestShape(signal);
    this.#writer = new WireWriter(bytesMax);
  }

  /** The result lasts until the next call. Throws ERR_OTLP_MALFORMED or ERR_OTLP_TOO_LARGE. */
  toProtobuf(body: Uint8Array): Uint8Array {
    this.#writer.clear();
    this.#path = [];
    this.#message(this.#shape, parse(body));
    return this.#writer.written();
  }

  #message(shape: Shape, value: unknown): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.#wrong('an object', value);
    }
    if (this.#path.length > depthMax * 2) throw this.#problem(`more than ${depthMax} levels deep`);
    const members = value as Readonly<Record<string, unknown>>;
    for (const name in members) {
      const field = shape.get(name);
      const member = members[name];
      if (!field || member === null) continue;
      this.#path.push(name);
      if (field.repeated) this.#list(field, member);
      else this.#field(field, member);
      this.#path.pop();
    }
  }

  #list(field: Field, value: unknown): void {
    if (!Array.isArray(value)) throw this.#wrong('an array', value);
    for (const [index, element] of value.entries()) {
      this.#path.push(index);
      this.#field(field, element);
      this.#path.pop();
    }
  }

  #field({ number, kind }: Field, value: unknown): void {
    const writer = this.#writer;
    if (typeof kind === 'string') {
      writer.varint(number * 8 + wireTypes[kind]);
      this.#scalar(kind, value);
      return;
    }
    writer.varint(number * 8 + 2);
    const from = writer.beginMessage();
    this.#message(kind(), value);
    writer.endMessage(from);
  }

  #scalar(kind: Scalar, value: unknown): void {
    const writer = this.#writer;
    if (kind === 'int64' || kind === 'uint64' || kind === 'int32' || kind === 'uint32') {
      const small = smallInteger(value);
      if (small >= 0) return writer.varint(small);
    }
    switch (kind) {
      case 'string':
        return writer.string(this.#string(value));
      case 'bytes':
        return writer.text(this.#base64(value), 'base64');
      case 'id':
        return writer.text(hexOrWrong(this.#string(value)), 'hex');
      case 'bool':
        if (typeof value !== 'boolean') throw this.#wrong('true or false', value);
        return writer.varint(value ? 1 : 0);
      case 'double':
        return writer.double(this.#double(value));
      case 'fixed32':
        return writer.fixed32(Number(this.#integer(value, 0n, 0xffff_ffffn)));
      case 'uint32':
        return writer.varint64(this.#integer(value, 0n, 0xffff_ffffn));
      case 'int32':
        return writer.varint64(this.#integer(value, -0x8000_0000n, 0x7fff_ffffn));
      case 'sint32': {
        const integer = this.#integer(value, -0x8000_0000n, 0x7fff_ffffn);
        return writer.varint64(integer < 0n ? -2n * integer - 1n : 2n * integer);
      }
      case 'int64':
        return writer.varint64(this.#integer(value, -(1n << 63n), (1n << 63n) - 1n));
      case 'uint64':
        return writer.varint64(this.#integer(value, 0n, (1n << 64n) - 1n));
      case 'fixed64':
        return writer.fixed64(this.#integer(value, 0n, (1n << 64n) - 1n));
      case 'sfixed64':
        return writer.fixed64(this.#integer(value, -(1n << 63n), (1n << 63n) - 1n));
    }
  }

  #string(value: unknown): string {
    if (typeof value !== 'string') throw this.#wrong('a string', value);
    return value;
  }

  /** Either alphabet, padded or not, as proto3's JSON allows. */
  #base64(value: unknown): string {
    const text = this.#string(value).replace(/={1,2}$/, '');
    if (!/^[\w+/-]*$/.test(text) || text.length % 4 === 1) throw this.#problem('not base64');
    return text;
  }

  #double(value: unknown): number {
    const isNumber =
      typeof value === 'number' ||
      typeof value === 'bigint' ||
      (typeof value === 'string' && (decimal.test(value) || notFinite.has(value)));
    if (!isNumber) throw this.#wrong('a number', value);
    const number = Number(value);
    if (Number.isFinite(number) || notFinite.has(value)) return number;
    throw this.#problem('more than a double can hold');
  }

  #integer(value: unknown, least: bigint, most: bigint): bigint {
    const integer = integerOf(value);
    if (integer === undefined) throw this.#wrong('an integer', value);
    if (integer < least || integer > most) {
      throw this.#problem(`${integer} is not between ${least} and ${most}`);
    }
    return integer;
  }

  #wrong(expected: string, value: unknown): Error {
    const found = nameOf(value);
    return this.#problem(`expected ${expected}, found ${found}`);
  }

  #problem(what: string): Error {
    return malformedJson(this.#path, what);
  }
}

const decoder = new TextDecoder();
/** A bare number that a double may not hold exactly. */
const longInteger = /[:[,]\s*-?\d{16}/;

const parse = (body: Uint8Array): unknown => {
  checkJsonBounds(body);
  const text = decoder.decode(body);
  try {
    return longInteger.test(text) ? JSON.parse(text, exactInteger) : JSON.parse(text);
  } catch (error) {
    throw malformedJson([], `not valid JSON: ${messageOf(error)}`);
  }
};

/** A number as JSON writes it, and with zeros before it. */
const decimal = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const notFinite: ReadonlySet<unknown> = new Set(['NaN', 'Infinity', '-Infinity']);
/** No 64 bits need more digits; of many, BigInt takes seconds. */
const digits = /^-?\d{1,20}$/;

/** Exact from digits alone; with a fraction or an exponent, a double that is whole. */
const integerOf = (value: unknown): bigint | undefined => {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'string' && digits.test(value)) return BigInt(value);
  const number = typeof value === 'string' && decimal.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? BigInt(number) : undefined;
};

/** Slower, and only where needed: integers beyond 2^53 are taken from the text. */
const exactInteger = (
  _: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown =>
  typeof value === 'number' &&
  !Number.isSafeInteger(value) &&
  context?.source !== undefined &&
  digits.test(context.source)
    ? BigInt(context.source)
    : value;

/** Most integers are small, and far cheaper without BigInt; -1 for all that are not. */
const smallInteger = (value: unknown): number => {
  const isDigits = typeof value === 'string' && value.length < 10 && /^\d+$/.test(value);
  const number = isDigits ? Number(value) : value;
  const isSmall = typeof number === 'number' && Number.isInteger(number) && number <= 0x7fff_ffff;
  return isSmall ? number : -1;
};

/** What is no hex becomes a byte that is no id either, so that it is not taken for a missing one. */
const hexOrWrong = (text: string): string =>
  text.length % 2 === 0 && /^[\da-f]*$/i.test(text) ? text : '00';

const nameOf = (value: unknown): string => {
  if (value === null || Array.isArray(value)) return value === null ? 'null' : 'an array';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 50));
  return typeof value === 'number' ? `number ${value}` : `a value of type ${typeof value}`;
};
