import { formatDuration } from '../lib/duration.ts';

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A value in base units as people say it: 0.812 s → `812 ms`, 0.9734 of 1 → `97.34 %`, `12/s`. */
export const formatValue = (value: number | null, unit = ''): string => {
  // JSON has no NaN: what went through Redis comes back as null.
  if (value === null || Number.isNaN(value)) return 'no value';
  if (!Number.isFinite(value)) return value > 0 ? 'infinite' : '-infinite';
  switch (unit) {
    case 's':
      return formatSeconds(value);
    case 'By':
      return formatBytes(value);
    case '1':
      return `${digits(value * 100)} %`;
    default: {
      const plain = unit.replaceAll(/\{[^}]*\}/g, '');
      return `${digits(value)}${plain.startsWith('/') ? '' : ' '}${plain}`.trim();
    }
  }
};

const formatSeconds = (seconds: number): string => {
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size < 0.001) return `${digits(seconds * 1e6)} µs`;
  if (size < 1) return `${digits(seconds * 1e3)} ms`;
  if (size < 60) return `${digits(seconds)} s`;
  return `${seconds < 0 ? '-' : ''}${formatDuration(Math.round(size) * 1_000)}`;
};

const formatBytes = (bytes: number): string => {
  const exponent = Math.min(
    byteUnits.length - 1,
    Math.max(0, Math.floor(Math.log2(Math.abs(bytes)) / 10)),
  );
  return `${digits(bytes / 1024 ** exponent)} ${byteUnits[exponent] ?? 'B'}`;
};

/** Four digits, or all before the point, are as exact as a page at night needs. */
const digits = (value: number): string =>
  String(Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4)));

/** `2026-01-05 09:00:00 UTC`. */
export const formatTime = (atMs: number): string =>
  `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** Cut to so many characters, an ellipsis being the last when something is missing. */
export const clip = (text: string, charsMax: number): string =>
  text.length <= charsMax
    ? text
    : `${text.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
