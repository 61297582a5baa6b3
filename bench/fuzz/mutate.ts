import type { Random } from '../../src/lib/backoff.ts';

/** Bytes that mean something in a varint, a tag, a length, JSON or gzip. */
const telling = [
  0x00, 0x01, 0x0a, 0x12, 0x1f, 0x22, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0x8b, 0xff,
];

type Mutation = (bytes: Buffer, random: Random, other: Uint8Array) => Buffer;

const at = (bytes: Uint8Array, random: Random): number => Math.floor(random() * bytes.length);

/** Mostly a few bytes, now and then a lot. */
const some = (random: Random): number => 1 + Math.floor(random() ** 6 * 400);

const mutations: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const place = at(bytes, random);
    bytes[place] = (bytes[place] ?? 0) ^ (1 << Math.floor(random() * 8));
    return bytes;
  },
  function tellingByte(bytes, random) {
    bytes[at(bytes, random)] = telling[Math.floor(random() * telling.length)] ?? 0;
    return bytes;
  },
  function anyByte(bytes, random) {
    bytes[at(bytes, random)] = Math.floor(random() * 256);
    return bytes;
  },
  function cutEnd(bytes, random) {
    return bytes.subarray(0, at(bytes, random));
  },
  function remove(bytes, random) {
    const from = at(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + some(random))]);
  },
  function repeat(bytes, random) {
    const from = at(bytes, random);
    const part = bytes.subarray(from, from + some(random));
    return Buffer.concat([bytes.subarray(0, from), part, part, bytes.subarray(from)]);
  },
  function insertNoise(bytes, random) {
    const from = at(bytes, random);
    const noise = Buffer.alloc(some(random));
    for (let index = 0; index < noise.length; index += 1) noise[index] = Math.floor(random() * 256);
    return Buffer.concat([bytes.subarray(0, from), noise, bytes.subarray(from)]);
  },
  function graft(bytes, random, other) {
    const from = at(other, random);
    const part = other.subarray(from, from + some(random));
    const place = at(bytes, random);
    return Buffer.concat([bytes.subarray(0, place), part, bytes.subarray(place)]);
  },
  function hugeLength(bytes, random) {
    const place = at(bytes, random);
    const huge = [0xff, 0xff, 0xff, 0xff, 0x07].slice(Math.floor(random() * 4));
    bytes.set(huge.slice(0, Math.max(0, bytes.length - place)), place);
    return bytes;
  },
  function nest(bytes, random) {
    const place = at(bytes, random);
    const depth = 1 + Math.floor(random() ** 4 * 3_000);
    const opening = Buffer.alloc(depth, random() < 0.5 ? '[' : '{"a":');
    return Buffer.concat([bytes.subarray(0, place), opening, bytes.subarray(place)]);
  },
];

/** One to four changes to a copy, anywhere in it. `other` is what grafts are cut from. */
export const mutated = (bytes: Uint8Array, other: Uint8Array, random: Random): Buffer => {
  let changed: Buffer = Buffer.from(bytes);
  for (let count = 1 + Math.floor(random() * 4); count > 0; count -= 1) {
    const change = mutations[Math.floor(random() * mutations.length)];
    if (change && changed.length > 0) changed = change(changed, random, other);
  }
  return changed;
};

/** Protobuf that is still well-formed: messages joined, and fields added that nobody knows. */
export const joined = (parts: readonly Uint8Array[], random: Random): Buffer => {
  // Field 15000, length-delimited.
  const unknown = () => Buffer.concat([Buffer.from([0xc2, 0xa9, 0x07, 5]), Buffer.from('hello')]);
  return Buffer.concat(parts.flatMap((it) => (random() < 0.3 ? [it, unknown()] : [it])));
};
