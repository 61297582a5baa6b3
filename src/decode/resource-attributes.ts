import type { Encoding, Signal } from '../model/ingest.ts';
import { malformed } from './faults.ts';
import { JsonReader } from './json.ts';
import { bytesField, fixed32Field, fixed64Field, varintField } from './wire.ts';
import { WireWriter } from './wire-writer.ts';

/** What the attributes may add to one request, which may have a resource every few bytes. */
const addedBytesMax = 16 * 1024 * 1024;
/** JSON becomes protobuf first, which is rarely larger. */
const protobufBytesMax = 512 * 1024 * 1024;

const resourceItems = bytesField(1);
const resource = bytesField(1);
const attribute = bytesField(1);
const attributeKey = bytesField(1);
const attributeValue = bytesField(2);
const stringValue = bytesField(1);

/**
 * The request, as protobuf in a buffer of its own, with these attributes on each of its resources
 * and without those of the same names that the sender put there. Only the way down to the resources
 * is read; everything else is copied. Faults: ERR_OTLP_MALFORMED, ERR_OTLP_TOO_LARGE.
 */
export const addResourceAttributes = (
  signal: Signal,
  encoding: Encoding,
  body: Uint8Array,
  attributes: Readonly<Record<string, string>>,
): Uint8Array => {
  const request =
    encoding === 'json' ? new JsonReader(signal, protobufBytesMax).toProtobuf(body) : body;
  const writer = new WireWriter(request.length + addedBytesMax);
  const names = new Set(Object.keys(attributes));
  const added = encode(attributes);
  const bytes = Buffer.from(request.buffer, request.byteOffset, request.length);
  copy(bytes, 0, bytes.length, writer, (tag, from, to) => {
    if (tag !== resourceItems) return false;
    writer.varint(resourceItems);
    const message = writer.beginMessage();
    copy(bytes, from, to, writer, (inner, from, to) => {
      if (inner !== resource) return false;
      copyResource(bytes, from, to, names, writer);
      return true;
    });
    // A message that comes in parts is their sum, so ours may stand behind the sender's.
    writer.varint(resource);
    writer.varint(added.length);
    writer.bytes(added);
    writer.endMessage(message);
    return true;
  });
  return Uint8Array.from(writer.written());
};

const copyResource = (
  bytes: Buffer,
  from: number,
  to: number,
  names: ReadonlySet<string>,
  writer: WireWriter,
): void => {
  writer.varint(resource);
  const message = writer.beginMessage();
  copy(
    bytes,
    from,
    to,
    writer,
    (tag, from, to) => tag === attribute && has(bytes, from, to, names),
  );
  writer.endMessage(message);
};

/** Whether this attribute has one of the names, also where it says its name more than once. */
const has = (bytes: Buffer, from: number, to: number, names: ReadonlySet<string>): boolean => {
  let found = false;
  each(bytes, from, to, (tag, _start, from, to) => {
    if (tag === attributeKey && names.has(bytes.toString('utf8', from, to))) found = true;
  });
  return found;
};

/** Copies the fields of a message, but for those that `take` sees to. */
const copy = (
  bytes: Buffer,
  from: number,
  to: number,
  writer: WireWriter,
  take: (tag: number, from: number, to: number) => boolean,
): void => {
  let kept = from;
  each(bytes, from, to, (tag, start, valueFrom, valueTo) => {
    if (kept < start) writer.bytes(bytes.subarray(kept, start));
    kept = take(tag, valueFrom, valueTo) ? valueTo : start;
  });
  if (kept < to) writer.bytes(bytes.subarray(kept, to));
};

/** Calls `visit` with the tag, the start and the value's bounds of each field, as `Wire` reads them. */
const each = (
  bytes: Buffer,
  from: number,
  to: number,
  visit: (tag: number, start: number, valueFrom: number, valueTo: number) => void,
): void => {
  let at = from;
  while (at < to) {
    const start = at;
    const { value: tag, next } = varint(bytes, at);
    at = next;
    let valueFrom = at;
    if (tag < 8) throw malformed(start, 'field number 0');
    switch (tag & 7) {
      case varintField(0):
        at = varint(bytes, at).next;
        break;
      case fixed64Field(0):
        at += 8;
        break;
      case bytesField(0): {
        const { value: length, next } = varint(bytes, at);
        valueFrom = next;
        at = next + length;
        break;
      }
      case fixed32Field(0):
        at += 4;
        break;
      default:
        throw malformed(start, `wire type ${tag & 7}, which OTLP does not use`);
    }
    if (at > to) throw malformed(start, 'a field that ends behind its message');
    visit(tag, start, valueFrom, at);
  }
};

/** The low 32 bits of a varint, which is what `Wire` makes of it. */
const varint = (bytes: Buffer, position: number): { value: number; next: number } => {
  let value = 0;
  for (let index = 0; index < 10; index += 1) {
    const byte = bytes[position + index];
    if (byte === undefined) throw malformed(position, 'a number behind the end of the request');
    if (index < 5) value |= (byte & 127) << (index * 7);
    if (byte < 128) return { value: value >>> 0, next: position + index + 1 };
  }
  throw malformed(position, 'a number of more than 10 bytes');
};

/** The attributes of a Resource message. */
const encode = (attributes: Readonly<Record<string, string>>): Uint8Array => {
  const writer = new WireWriter(addedBytesMax);
  for (const [name, value] of Object.entries(attributes)) {
    writer.varint(attribute);
    const pair = writer.beginMessage();
    writer.varint(attributeKey);
    writer.string(name);
    writer.varint(attributeValue);
    const any = writer.beginMessage();
    writer.varint(stringValue);
    writer.string(value);
    writer.endMessage(any);
    writer.endMessage(pair);
  }
  return writer.written();
};
