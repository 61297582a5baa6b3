import t from 'tap';
import {
  type CoverOptions,
  coverRange,
  type Segment,
  type Tier,
} from '../../src/model/tier-cover.ts';
import { seededRandom } from '../support/random.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

const day = (text: string): number => Date.parse(`${text.length === 10 ? `${text}T00:00` : text}Z`);
const nowMs = day('2026-11-20T12:00');
const keptMs = { raw: 14 * dayMs, '1m': 30 * dayMs, '1h': 365 * dayMs, '1d': 1_825 * dayMs };
const options: CoverOptions = { nowMs, keptMs, finest: 'raw' };

const written = ({ tier, fromMs, toMs }: Segment): string =>
  [tier, ...[fromMs, toMs].map((it) => new Date(it).toISOString().slice(5, 23))].join(' ');

// biome-ignore format: one range per line
const exact: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['nothing', '2026-11-20T10:00', '2026-11-20T10:00', []],
  ['the wrong way round', '2026-11-20T11:00', '2026-11-20T10:00', []],
  ['inside a minute', '2026-11-20T10:00:01', '2026-11-20T10:00:59', ['raw 11-20T10:00:01.000 11-20T10:00:59.000']],
  ['a minute', '2026-11-20T10:01', '2026-11-20T10:02', ['1m 11-20T10:01:00.000 11-20T10:02:00.000']],
  ['minutes with ragged ends', '2026-11-20T10:00:30', '2026-11-20T10:03:00.001',
    ['raw 11-20T10:00:30.000 11-20T10:01:00.000', '1m 11-20T10:01:00.000 11-20T10:03:00.000', 'raw 11-20T10:03:00.000 11-20T10:03:00.001']],
  ['across an hour, without a whole one', '2026-11-20T09:30', '2026-11-20T10:30', ['1m 11-20T09:30:00.000 11-20T10:30:00.000']],
  ['an hour', '2026-11-20T09:00', '2026-11-20T10:00', ['1h 11-20T09:00:00.000 11-20T10:00:00.000']],
  ['hours and minutes', '2026-11-20T08:59', '2026-11-20T11:01',
    ['1m 11-20T08:59:00.000 11-20T09:00:00.000', '1h 11-20T09:00:00.000 11-20T11:00:00.000', '1m 11-20T11:00:00.000 11-20T11:01:00.000']],
  ['days', '2026-11-18', '2026-11-20', ['1d 11-18T00:00:00.000 11-20T00:00:00.000']],
  ['everything', '2026-11-17T22:58:59', '2026-11-20T01:01:01',
    ['raw 11-17T22:58:59.000 11-17T22:59:00.000', '1m 11-17T22:59:00.000 11-17T23:00:00.000', '1h 11-17T23:00:00.000 11-18T00:00:00.000',
     '1d 11-18T00:00:00.000 11-20T00:00:00.000',
     '1h 11-20T00:00:00.000 11-20T01:00:00.000', '1m 11-20T01:00:00.000 11-20T01:01:00.000', 'raw 11-20T01:01:00.000 11-20T01:01:01.000']],
  ['thirty days', '2026-10-21T12:00', '2026-11-20T12:00',
    ['1h 10-21T12:00:00.000 10-22T00:00:00.000', '1d 10-22T00:00:00.000 11-20T00:00:00.000', '1h 11-20T00:00:00.000 11-20T12:00:00.000']],
];

t.test('each part of a range is read from the coarsest tier that has exactly it', (t) => {
  for (const [title, from, to, expected] of exact) {
    const { segments, compromises } = coverRange({ fromMs: day(from), toMs: day(to) }, options);
    t.strictSame(segments.map(written), expected, title);
    t.strictSame(compromises, [], title);
  }
  t.end();
});

t.test(
  'where the finer tier has ended the edge moves out to the bucket that is left, and says so',
  (t) => {
    // 1m goes back to 21 October 12:00, raw to 6 November 12:00.
    // biome-ignore format: one range per line
    const table: readonly (readonly [string, string, string, readonly string[], readonly object[]])[] = [
    ['the start lies in an hour', '2026-10-20T10:30', '2026-10-20T13:00',
      ['1h 10-20T10:00:00.000 10-20T13:00:00.000'], [{ kind: 'widened', edge: 'start', ms: 30 * minuteMs, tier: '1h' }]],
    ['the end lies in an hour', '2026-10-20T10:00', '2026-10-20T12:45',
      ['1h 10-20T10:00:00.000 10-20T13:00:00.000'], [{ kind: 'widened', edge: 'end', ms: 15 * minuteMs, tier: '1h' }]],
    ['both lie in one hour', '2026-10-20T10:30', '2026-10-20T10:40',
      ['1h 10-20T10:00:00.000 10-20T11:00:00.000'],
      [{ kind: 'widened', edge: 'start', ms: 30 * minuteMs, tier: '1h' }, { kind: 'widened', edge: 'end', ms: 20 * minuteMs, tier: '1h' }]],
    ['minutes remain for a part of the last hour', '2026-10-21T10:00', '2026-10-21T11:59',
      ['1h 10-21T10:00:00.000 10-21T12:00:00.000'], [{ kind: 'widened', edge: 'end', ms: minuteMs, tier: '1h' }]],
    ['the start lies in a minute', '2026-11-05T10:00:15', '2026-11-05T10:02',
      ['1m 11-05T10:00:00.000 11-05T10:02:00.000'], [{ kind: 'widened', edge: 'start', ms: 15_000, tier: '1m' }]],
    ['days alone are left', '2024-10-20T10:30', '2024-10-21T10:00',
      ['1d 10-20T00:00:00.000 10-22T00:00:00.000'],
      [{ kind: 'widened', edge: 'start', ms: 10.5 * hourMs, tier: '1d' }, { kind: 'widened', edge: 'end', ms: 14 * hourMs, tier: '1d' }]],
    ['the beginning is kept nowhere', '2021-11-20T12:00', '2021-11-23',
      ['1d 11-22T00:00:00.000 11-23T00:00:00.000'], [{ kind: 'dropped', ms: 36 * hourMs }]],
    ['nothing is kept', '2011-11-20', '2011-11-23', [], [{ kind: 'dropped', ms: 3 * dayMs }]],
  ];
    for (const [title, from, to, expected, compromises] of table) {
      const cover = coverRange({ fromMs: day(from), toMs: day(to) }, options);
      t.strictSame(cover.segments.map(written), expected, title);
      t.strictSame(cover.compromises, compromises, title);
    }
    t.end();
  },
);

t.test('without raw rows an edge inside a minute moves out to the minute', (t) => {
  const cover = coverRange(
    { fromMs: day('2026-11-20T10:00:10'), toMs: day('2026-11-20T10:01:50') },
    { ...options, finest: '1m' },
  );
  t.strictSame(cover.segments.map(written), ['1m 11-20T10:00:00.000 11-20T10:02:00.000']);
  t.strictSame(cover.compromises, [
    { kind: 'widened', edge: 'start', ms: 10_000, tier: '1m' },
    { kind: 'widened', edge: 'end', ms: 10_000, tier: '1m' },
  ]);
  t.end();
});

t.test(
  'whatever the range and the retention, every moment is read once, from a tier that has it',
  (t) => {
    const random = seededRandom(11);
    const between = (low: number, high: number): number =>
      Math.floor(low + random() * (high - low));
    const units: readonly number[] = [1, minuteMs, hourMs, dayMs];
    const unitOf: Readonly<Record<Tier, number>> = {
      raw: 1,
      '1m': minuteMs,
      '1h': hourMs,
      '1d': dayMs,
    };
    let compromised = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const raw = between(0, 20 * dayMs);
      const kept = { raw, '1m': raw + between(0, 20 * dayMs), '1h': 0, '1d': 0 };
      kept['1h'] = kept['1m'] + between(0, 100 * dayMs);
      kept['1d'] = kept['1h'] + between(0, 200 * dayMs);
      const finest = random() < 0.5 ? 'raw' : '1m';
      const unit = units[between(0, 4)] ?? 1;
      const fromMs = nowMs - Math.floor((random() ** 3 * 300 * dayMs) / unit) * unit;
      const toMs = Math.min(
        nowMs,
        fromMs + Math.ceil((random() ** 3 * 60 * dayMs) / unit) * unit + between(0, 3) * 7_001,
      );
      const { segments, compromises } = coverRange(
        { fromMs, toMs },
        { nowMs, keptMs: kept, finest },
      );
      const say = () =>
        JSON.stringify({
          round,
          fromMs,
          toMs,
          kept,
          finest,
          segments: segments.map(written),
          compromises,
        });
      if (fromMs >= toMs) continue;
      const ms = { widened: 0, dropped: 0 };
      for (const it of compromises) ms[it.kind] += it.ms;
      let previous: Segment | undefined;
      let read = 0;
      for (const it of segments) {
        const unitMs = unitOf[it.tier];
        if (previous && previous.toMs !== it.fromMs) t.fail(`a gap or an overlap: ${say()}`);
        if (it.fromMs % unitMs !== 0 || it.toMs % unitMs !== 0 || it.fromMs >= it.toMs)
          t.fail(`not buckets: ${say()}`);
        if (it.fromMs < nowMs - kept[it.tier]) t.fail(`gone: ${say()}`);
        previous = it;
        read += it.toMs - it.fromMs;
      }
      if (read !== toMs - fromMs + ms.widened - ms.dropped) t.fail(`not the whole range: ${say()}`);
      if (compromises.length === 0 && segments[0]?.fromMs !== fromMs)
        t.fail(`another start: ${say()}`);
      if (compromises.some((it) => it.kind === 'widened' && it.ms >= unitOf[it.tier]))
        t.fail(`more than a bucket: ${say()}`);
      if (finest === 'raw' && fromMs >= nowMs - kept.raw && compromises.length > 0)
        t.fail(`needless: ${say()}`);
      // Dropped is only what the days no longer have, and the day that is half gone.
      if (ms.dropped > 0 && fromMs >= nowMs - kept['1d'] + dayMs)
        t.fail(`dropped though kept: ${say()}`);
      if (compromises.length > 0) compromised += 1;
    }
    t.ok(compromised > 1_000, `${compromised} ranges had an edge moved`);
    t.end();
  },
);
