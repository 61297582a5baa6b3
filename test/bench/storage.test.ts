import t from 'tap';
import { askHistory } from '../../bench/storage/ask-history.ts';
import { timeDashboards } from '../../bench/storage/dashboards.ts';
import { compareSchemas } from '../../bench/storage/schema.ts';

const linesOf = async (
  bench: (quick: boolean, print: (line: string) => void) => Promise<void>,
): Promise<readonly string[]> => {
  const lines: string[] = [];
  await bench(true, (line) => lines.push(line));
  return lines;
};
const measured = (lines: readonly string[], name: string): number =>
  Number(
    /([\d.]+) {2}(?:aim|required|NOT REACHED)$/.exec(
      lines.find((it) => it.startsWith(name)) ?? '',
    )?.[1],
  );

t.test('the storage bench runs in small: bytes and inserts beside the exporter', async (t) => {
  const lines = await linesOf(compareSchemas);
  t.ok(measured(lines, 'bytes per span against') < 0.95, lines.join('\n'));
  // One round of small blocks: that no view has become several times as dear is all it can tell.
  const cpu = measured(lines, 'insert CPU against');
  t.ok(cpu > 0 && cpu < 5, lines.join('\n'));
});

t.test(
  'the storage bench runs in small: percentiles within their error, whole traces',
  async (t) => {
    const lines = await linesOf(askHistory);
    t.ok(measured(lines, 'worst difference') < 1, lines.join('\n'));
    t.ok(measured(lines, 'trace by id') < 20_000, lines.join('\n'));
  },
);

t.test('the storage bench runs in small: every query of every dashboard', async (t) => {
  const lines = await linesOf(timeDashboards);
  t.ok(measured(lines, 'slowest query of a dashboard') < 20_000, lines.join('\n'));
});
