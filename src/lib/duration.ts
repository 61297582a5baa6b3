const unitMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
  ['y', 31_536_000_000],
]);

/**
 * `200ms`, `30s`, `5m`, `1h`, `7d`, `1y` and Prometheus' compounds such as `1h30m`, in milliseconds;
 * `0` needs no unit. Undefined for anything else.
 */
export const parseDurationMs = (text: string): number | undefined => {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, count, unit = ''] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) {
    totalMs += Number(count) * (unitMs.get(unit) ?? Number.NaN);
  }
  return totalMs;
};

/** The shortest exact text, `90000` → `1m30s`. */
export const formatDuration = (durationMs: number): string => {
  if (durationMs === 0) return '0s';
  let restMs = Math.round(durationMs);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = unitMs.get(unit) ?? 1;
    const count = Math.floor(restMs / size);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * size;
  }
  return text;
};
