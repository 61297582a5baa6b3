import t from 'tap';
import { type DayPartition, decideDisk, shortenedTables } from '../../src/store/disk-pressure.ts';

const nowMs = Date.UTC(2026, 10, 21, 12);
const rules = { warnShare: 0.8, shortenShare: 0.9, shortenAllowed: true };
const on = (table: string, day: string, bytes = 10): DayPartition => ({
  table,
  day,
  rows: 1,
  bytes,
});

const spans = on('otel_traces', '20261101');
const ids = on('otel_traces_trace_id_ts', '20261101');
const logs = on('otel_logs', '20261101');
const laterSpans = on('otel_traces', '20261102');
const alerts = on('alert_events', '20261001');
const minutes = on('span_rollup_1m', '20261001');
const all = [minutes, alerts, laterSpans, spans, ids, logs];

// biome-ignore format: one case per line.
const table: readonly (readonly [string, number, Partial<typeof rules>, readonly DayPartition[], string, readonly DayPartition[]])[] = [
  ['half full',                        50,  {}, all, 'fine: below_warn', []],
  ['just below the first threshold',   21,  {}, all, 'fine: below_warn', []],
  ['at the first threshold',           20,  {}, all, 'warn: above_warn', []],
  ['just below the second',            11,  {}, all, 'warn: above_warn', []],
  ['at the second, not allowed',       10,  { shortenAllowed: false }, all, 'over: shortening_not_allowed', []],
  ['at the second, allowed',           10,  {}, all, 'over: oldest_raw_day', [spans, ids, logs]],
  ['no room at all',                   0,   {}, all, 'over: oldest_raw_day', [spans, ids, logs]],
  ['only tiers and alerts are old',    0,   {}, [minutes, alerts], 'over: only_young_days_left', []],
  ['notes without rows are no reason', 0,   {}, [ids, laterSpans], 'over: oldest_raw_day', [laterSpans]],
  ['the day before yesterday',         0,   {}, [on('otel_logs', '20261119')], 'over: oldest_raw_day', [on('otel_logs', '20261119')]],
  ['yesterday stays',                  0,   {}, [on('otel_logs', '20261120')], 'over: only_young_days_left', []],
  ['today stays',                      0,   {}, [on('otel_logs', '20261121')], 'over: only_young_days_left', []],
  ['clocks that run ahead stay',       0,   {}, [on('otel_logs', '20990101')], 'over: only_young_days_left', []],
  ['what lies on another disk stays',  0,   {}, [on('otel_traces', '20261101', 0), laterSpans], 'over: oldest_raw_day', [laterSpans]],
  ['what is no raw data of that day',  0,   {}, [spans, on('span_rollup_1m', '20261101'), on('otlp_rejects', '20261101')], 'over: oldest_raw_day', [spans]],
  ['nothing stored',                   0,   {}, [], 'over: only_young_days_left', []],
];

for (const [title, freeBytes, other, partitions, expected, drop] of table) {
  t.test(title, async (t) => {
    const use = { disk: 'default', totalBytes: 100, freeBytes };
    const decision = decideDisk(use, partitions, { ...rules, ...other }, nowMs);
    t.equal(`${decision.level}: ${decision.reason}`, expected);
    t.strictSame('drop' in decision ? decision.drop : [], drop);
  });
}

t.test('a disk that does not tell its size is left alone', async (t) => {
  const decision = decideDisk({ disk: 's3', totalBytes: 0, freeBytes: 0 }, all, rules, nowMs);
  t.strictSame(decision, { level: 'fine', reason: 'size_unknown' });
});

t.test('no table of alerts, audit or tiers is ever on the list', async (t) => {
  for (const table of shortenedTables) {
    t.match(table, /^(otel_|span_arrivals$|metric_arrivals$)/);
  }
});
