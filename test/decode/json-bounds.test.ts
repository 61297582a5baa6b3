import t from 'tap';
import { createColumnBuilder } from '../../src/decode/builder.ts';
import { checkJsonBounds } from '../../src/decode/json-bounds.ts';

const mebibyte = 1024 * 1024;
const nested = (levels: number): Buffer =>
  Buffer.from(`{"unknown":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`);

const malformed = { code: 'ERR_OTLP_MALFORMED', remedy: 'reject' };
const tooLarge = { code: 'ERR_OTLP_TOO_LARGE', remedy: 'reject' };

/** Each would take minutes, or all memory that a worker may have. */
const hostile: readonly (readonly [string, () => Buffer, typeof malformed])[] = [
  ['32 million arrays in each other', () => nested(32 * mebibyte), malformed],
  ['64 MiB of brackets that never close', () => Buffer.alloc(64 * mebibyte, '['), malformed],
  ['64 MiB of braces that never close', () => Buffer.alloc(64 * mebibyte, '{'), malformed],
  ['21 million objects without anything', () => listOf('{}', 21 * mebibyte), tooLarge],
  ['21 million lists without anything', () => listOf('[]', 21 * mebibyte), tooLarge],
];

const listOf = (element: string, count: number): Buffer =>
  Buffer.from(`{"resourceSpans":[${`${element},`.repeat(count)}${element}]}`);

for (const [what, body, expected] of hostile) {
  t.test(`JSON of ${what} is refused before it is parsed`, async (t) => {
    const bytes = body();
    const sinceMs = performance.now();
    t.throws(() => createColumnBuilder('traces').append('json', bytes), expected);
    t.ok(performance.now() - sinceMs < 5_000);
  });
}

t.test('what is unknown may be 512 levels deep, and not one more', async (t) => {
  const builder = createColumnBuilder('traces');
  t.match(builder.append('json', nested(512)), { accepted: 0, rejected: 0 });
  t.throws(() => builder.append('json', nested(513)), malformed);
});

t.test('brackets in texts are text', async (t) => {
  const quoted = String.raw`{"a\"[[[\\":"\\\"${'['.repeat(1_000)}","b":"${'{'.repeat(1_000)}\\"}`;
  t.doesNotThrow(() => JSON.parse(quoted));
  t.doesNotThrow(() => checkJsonBounds(Buffer.from(quoted)));
  t.throws(() => checkJsonBounds(Buffer.from(quoted + '['.repeat(513))), malformed);
  t.doesNotThrow(() => checkJsonBounds(Buffer.from(`"${'['.repeat(1_000)}`)), 'never closed');
});
