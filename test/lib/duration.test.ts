import t from 'tap';
import { formatDuration, parseDurationMs } from '../../src/lib/duration.ts';

// biome-ignore format: one case per line.
const table: readonly (readonly [string, number | undefined])[] = [
  ['200ms', 200],      ['30s', 30_000],      ['5m', 300_000],     ['1h30m', 5_400_000],
  ['7d', 604_800_000], ['1y', 31_536_000_000], ['0', 0],          ['5', undefined],
  ['s', undefined],    ['-5s', undefined],   ['1.5h', undefined], ['5 m', undefined],
];

for (const [text, expected] of table) {
  t.test(`${text} is ${expected ?? 'no duration'}`, async (t) => {
    t.equal(parseDurationMs(text), expected);
  });
}

t.test('a duration prints as the shortest exact text', async (t) => {
  t.equal(formatDuration(90_000), '1m30s');
  t.equal(formatDuration(86_400_000), '1d');
  t.equal(formatDuration(0), '0s');
});
