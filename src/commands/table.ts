import type { Io } from './io.ts';
import { say } from './io.ts';

/**
 * Rows in aligned columns under a header on a terminal; in a pipe, tabs and no header. Control
 * characters are shown as `?`: labels come from telemetry and must not steer a terminal.
 */
export const sayTable = (
  io: Io,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): void => {
  const clean = rows.map((row) => row.map((it) => it.replaceAll(/\p{Cc}/gu, '?')));
  if (!io.stdout.isTTY) {
    for (const row of clean) say(io, row.join('\t'));
    return;
  }
  const all = [header.map((it) => it.toUpperCase()), ...clean];
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? '').length)),
  );
  for (const row of all) {
    say(
      io,
      row
        .map((it, column) => it.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
};

/** `service_name=checkout severity=critical`, without the name that stands in its own column. */
export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .filter(([name]) => name !== 'alertname')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
