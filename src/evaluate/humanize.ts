import type { Unit } from './rules/plan.ts';

/** A value as people say it: `812 ms`, `4.2 %`, `37.5/s`, `1.5 MiB`. */
export const formatValue = (value: number, unit: Unit): string => {
  if (!Number.isFinite(value)) return significant(value);
  switch (unit) {
    case 'seconds':
      return readableDuration(value);
    case 'ratio':
      return `${significant(value * 100)} %`;
    case 'bytes':
      return `${humanize1024(value).replace(/[A-Z]i$|$/, ' $&')}B`;
    case 'per-second':
      return `${significant(value)}/s`;
    case 'count':
    case 'unknown':
      return significant(value);
  }
};

const thousands = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const thousandths = ['', 'm', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];
const powersOf1024 = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];

/** Prometheus' `humanize`: metric prefixes. */
export const humanize = (value: number): string => {
  if (value === 0 || !Number.isFinite(value)) return significant(value);
  if (Math.abs(value) >= 1) return prefixed(value, 1_000, thousands);
  const steps = Math.min(Math.ceil(-Math.log10(Math.abs(value)) / 3), thousandths.length - 1);
  return joined(value * 1_000 ** steps, thousandths[steps] ?? '');
};

/** Prometheus' `humanize1024`: binary prefixes. */
export const humanize1024 = (value: number): string =>
  Math.abs(value) <= 1 || !Number.isFinite(value)
    ? significant(value)
    : prefixed(value, 1_024, powersOf1024);

/** Prometheus' `humanizePercentage`. */
export const humanizePercentage = (ratio: number): string => `${significant(ratio * 100)}%`;

/** Prometheus' `humanizeDuration`, of seconds: `1d 2h 3m 4s`, `4.5s`, `812.3ms`. */
export const humanizeDuration = (seconds: number): string => {
  if (seconds === 0 || !Number.isFinite(seconds)) return `${significant(seconds)}s`;
  if (Math.abs(seconds) < 1) return `${humanize(seconds)}s`;
  const size = Math.abs(seconds);
  if (size < 60) return `${significant(seconds)}s`;
  const whole = Math.floor(size);
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  const text = parts.slice(first).map(([count, unit]) => `${count}${unit}`);
  return `${seconds < 0 ? '-' : ''}${text.join(' ')}`;
};

const readableDuration = (seconds: number): string => {
  if (seconds === 0) return '0 s';
  const sign = seconds < 0 ? '-' : '';
  const size = Math.abs(seconds);
  if (size >= 60) return humanizeDuration(Math.round(seconds)).replaceAll(/ 0[hms]/g, '');
  if (size >= 1) return `${sign}${significant(size)} s`;
  if (size >= 1e-3) return `${sign}${significant(size * 1e3)} ms`;
  return size >= 1e-6
    ? `${sign}${significant(size * 1e6)} µs`
    : `${sign}${significant(size * 1e9)} ns`;
};

/** The same digits in the same places for everyone: four significant ones, no trailing zeros. */
export const significant = (value: number): string => {
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN';
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  return String(Number(value.toPrecision(4)));
};

const prefixed = (value: number, base: number, prefixes: readonly string[]): string => {
  let rest = value;
  let steps = 0;
  while (Math.abs(rest) >= base && steps < prefixes.length - 1) {
    rest /= base;
    steps += 1;
  }
  return joined(rest, prefixes[steps] ?? '');
};

const joined = (value: number, prefix: string): string => `${significant(value)}${prefix}`;
