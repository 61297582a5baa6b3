import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import t from 'tap';
import { decompress } from '../../src/decode/decompress.ts';

const mebibyte = 1024 * 1024;
const text = Buffer.from('the same bytes, '.repeat(40_000));

// biome-ignore format: one case per line.
const codings: readonly (readonly [string, 'gzip' | 'deflate' | 'zstd', Buffer])[] = [
  ['gzip',                   'gzip',    gzipSync(text)],
  ['gzip of two members',    'gzip',    Buffer.concat([gzipSync(text.subarray(0, 99)), gzipSync(text.subarray(99))])],
  ['deflate',                'deflate', deflateSync(text)],
  ['deflate without zlib',   'deflate', deflateRawSync(text)],
  ['zstd',                   'zstd',    zstdCompressSync(text)],
  ['zstd of two frames',     'zstd',    Buffer.concat([zstdCompressSync(text.subarray(0, 99)), zstdCompressSync(text.subarray(99))])],
  ['gzip that lies about its size', 'gzip', Buffer.concat([gzipSync(text.subarray(0, -1)), gzipSync(text.subarray(-1))])],
];

for (const [name, coding, wire] of codings) {
  t.test(`${name} is undone up to the limit and not a byte beyond`, async (t) => {
    t.ok(text.equals(decompress(coding, wire, text.length)));
    t.throws(() => decompress(coding, wire, text.length - 1), { code: 'ERR_OTLP_TOO_LARGE' });
  });
  t.test(`${name} cut short is malformed`, async (t) => {
    t.throws(() => decompress(coding, wire.subarray(0, -3), text.length), {
      code: 'ERR_OTLP_MALFORMED',
      remedy: 'reject',
    });
  });
}

const bomb = Buffer.alloc(64 * mebibyte);

// biome-ignore format: one case per line.
const bombs: readonly (readonly ['gzip' | 'deflate' | 'zstd', Buffer])[] = [
  ['gzip',    gzipSync(bomb, { level: 1 })],
  ['deflate', deflateSync(bomb, { level: 1 })],
  ['zstd',    zstdCompressSync(bomb)],
];

for (const [coding, wire] of bombs) {
  t.test(`a ${coding} bomb is stopped at the limit`, async (t) => {
    const before = process.memoryUsage().arrayBuffers;
    t.throws(() => decompress(coding, wire, 2 * mebibyte), { code: 'ERR_OTLP_TOO_LARGE' });
    const taken = process.memoryUsage().arrayBuffers - before;
    t.ok(taken < 16 * mebibyte, `${taken} bytes`);
  });
}

t.test('a zstd frame that asks for a window over 8 MiB is malformed', async (t) => {
  // RFC 8878: magic, a frame header with neither size nor checksum, window exponent 17 (128 MiB).
  const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x01, 0x00, 0x00]);
  t.throws(() => decompress('zstd', frame, mebibyte), { code: 'ERR_OTLP_MALFORMED' });
  frame[5] = 13 << 3;
  t.equal(decompress('zstd', frame, mebibyte).length, 0, '8 MiB is fine');
});

t.test('a body of endlessly many zstd frames is malformed', async (t) => {
  const frame = zstdCompressSync(Buffer.from('x'));
  const wire = Buffer.concat(Array.from({ length: 1_000 }, () => frame));
  t.throws(() => decompress('zstd', wire, mebibyte), {
    code: 'ERR_OTLP_MALFORMED',
    message: /256 frames/,
  });
});
