/** The few protobuf fields that answers are made of; requests are decoded elsewhere. */

/** An int64 that is not negative; empty for 0, as proto3 leaves defaults out. */
export const varintField = (field: number, value: number): Buffer =>
  value === 0 ? empty : Buffer.concat([varint(field * 8), varint(value)]);

/** A string, bytes or message field; written even when empty, which for a message means present. */
export const lengthField = (field: number, value: string | Uint8Array): Buffer => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
};

/** As `lengthField`, but nothing for an empty text, as proto3 leaves defaults out. */
export const textField = (field: number, text: string): Buffer =>
  text === '' ? empty : lengthField(field, text);

const empty = Buffer.alloc(0);

const varint = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
};
