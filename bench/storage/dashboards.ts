import { grafanaQueries } from '../../test/support/grafana-queries.ts';
import { machineLine, median } from '../measure.ts';
import { type SchemaEngine, withSchemaEngine } from './engine.ts';
import { historyStartSeconds } from './history.ts';
import { row } from './row.ts';
import { fillTiers, type TierHistory } from './tier-history.ts';

/** Every query of every dashboard over 30 days of 50 services at 100,000 spans a second: issue 4. */
export const timeDashboards = (quick: boolean, print: (line: string) => void): Promise<void> =>
  withSchemaEngine(async (engine) => {
    const history = quick ? small : whole;
    print(machineLine());
    await dropViews(engine);
    await engine.rows('SYSTEM START MERGES');
    const since = performance.now();
    await fillTiers((sql) => engine.rows(sql), history);
    print(`history made in ${((performance.now() - since) / 1000).toFixed(0)} s`);
    const rounds = quick ? 1 : 5;
    await printTimes(engine, { history, hours: 6, rounds }, print);
    const hours = history.days * 24;
    const slowest = await printTimes(engine, { history, hours, rounds }, print);
    print('\nrequired | aim | measured');
    print(row(`slowest query of a dashboard, ${history.days} days`, [300, 100], slowest, 'ms'));
  });

const whole: TierHistory = {
  endSeconds: historyStartSeconds + 30 * 86_400,
  days: 30,
  minuteHours: 6,
  // More than a week is read from days.
  hourDays: 3,
  services: 50,
  operations: 20,
  spansPerSecond: 100_000,
  series: 80,
};
const small: TierHistory = {
  ...whole,
  endSeconds: historyStartSeconds + 2 * 86_400,
  days: 2,
  services: 4,
  operations: 4,
  series: 10,
};

const dropViews = async (engine: SchemaEngine): Promise<void> => {
  const views = await engine.rows<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = 'otel' AND engine = 'MaterializedView'",
  );
  for (const { name } of views) await engine.rows(`DROP TABLE otel.${name} SYNC`);
};

interface Timing {
  readonly history: TierHistory;
  readonly hours: number;
  readonly rounds: number;
}

/** Prints each query's median and gives the greatest, ms. */
const printTimes = async (
  engine: SchemaEngine,
  { history: { endSeconds }, hours, rounds }: Timing,
  print: (line: string) => void,
): Promise<number> => {
  const range = { fromSeconds: endSeconds - hours * 3_600, toSeconds: endSeconds };
  const queries = await grafanaQueries(range, (sql) => firstValue(engine, sql));
  const times: { name: string; ms: number }[] = [];
  for (const { dashboard, panel, sql } of queries) {
    const samples: number[] = [];
    for (let round = 0; round < rounds; round += 1) samples.push(await engine.wallMs(sql, 'otel'));
    times.push({ name: `${dashboard}: ${panel}`, ms: median(samples) });
  }
  print(`\nover ${hours} h, median of ${rounds}, ms; the slowest first`);
  const sorted = times.toSorted((a, b) => b.ms - a.ms);
  for (const { name, ms } of sorted) print(`${ms.toFixed(1).padStart(8)}  ${name}`);
  return sorted[0]?.ms ?? Number.NaN;
};

const firstValue = async (engine: SchemaEngine, sql: string): Promise<string> => {
  const [found] = await engine.rows<Readonly<Record<string, string>>>(sql, 'otel');
  return Object.values(found ?? {})[0] ?? '';
};
