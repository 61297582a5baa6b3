import t from 'tap';
import { clip, formatTime, formatValue } from '../../src/notify/format-value.ts';

// biome-ignore format: one case per line.
const table: readonly (readonly [value: number | null, unit: string | undefined, expected: string])[] = [
  [0.812,          's',            '812 ms'],
  [0.0000025,      's',            '2.5 µs'],
  [1.5,            's',            '1.5 s'],
  [0,              's',            '0 s'],
  [5400,           's',            '1h30m'],
  [0.97345678,     '1',            '97.35 %'],
  [1536,           'By',           '1.5 KiB'],
  [0,              'By',           '0 B'],
  [5e9,            'By',           '4.657 GiB'],
  [12.5,           '{request}/s',  '12.5/s'],
  [12,             '/s',           '12/s'],
  [0.931,          '1',            '93.1 %'],
  [42,             undefined,      '42'],
  [1234567.891,    undefined,      '1234568'],
  [3.14159,        'V',            '3.142 V'],
  [null,           's',            'no value'],
  [Number.NaN,     's',            'no value'],
  [Infinity,       's',            'infinite'],
];

for (const [value, unit, expected] of table) {
  t.test(`${value} ${unit ?? 'without unit'} reads ${expected}`, async (t) => {
    t.equal(formatValue(value, unit), expected);
  });
}

t.test('times are in UTC and say so', async (t) => {
  t.equal(formatTime(Date.UTC(2026, 0, 5, 9, 0, 0, 999)), '2026-01-05 09:00:00 UTC');
});

t.test('a cut text ends in an ellipsis and never in half a character', async (t) => {
  t.equal(clip('abcdef', 6), 'abcdef');
  t.equal(clip('abcdefg', 6), 'abcde…');
  t.equal(clip('abcd😀efg', 6), 'abcd…');
});
