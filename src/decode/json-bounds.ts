import { malformedJson, tooLarge } from './faults.ts';

/** OTLP needs 240 with the deepest values that are taken; what is unknown may be deeper. */
const levelsMax = 512;
/** Objects and arrays of one body: 64 MiB of real spans have 3 million. */
const containersMax = 4_000_000;

const quote = 0x22;
const backslash = 0x5c;

/**
 * Throws for a text that would become far more memory than it has bytes: 64 MiB of brackets, a few
 * kB on the wire, kept JSON.parse busy for minutes in a heap that was full. Whether it is JSON at
 * all is for the parser to say.
 */
export const checkJsonBounds = (body: Uint8Array): void => {
  let level = 0;
  let containers = 0;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at] ?? 0;
    if (byte === quote) {
      at += 1;
      while (at < body.length && body[at] !== quote) at += body[at] === backslash ? 2 : 1;
      continue;
    }
    // '[' 0x5b and '{' 0x7b, ']' 0x5d and '}' 0x7d.
    const bracket = byte | 0x20;
    if (bracket === 0x7b) {
      level += 1;
      containers += 1;
      if (level > levelsMax) throw malformedJson([], `more than ${levelsMax} levels deep`);
      if (containers > containersMax) {
        throw tooLarge(`it has more than ${containersMax} objects and arrays`);
      }
    } else if (bracket === 0x7d) level -= 1;
  }
};
