import t from 'tap';
import { fillTiers } from '../../bench/storage/tier-history.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { documentedStatements } from '../support/documented-sql.ts';
import { grafanaQueries } from '../support/grafana-queries.ts';
import { fillRaw } from '../support/raw-history.ts';
import { migrateOptions, openStore } from './open-store.ts';

const dayMs = 86_400_000;

/** What people write there, put into what stands in the documents: the history's names and days. */
const filledIn = (sql: string, nowMs: number): string => {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  return sql
    .replaceAll('from = …', `from = '${day(nowMs - dayMs)} 00:00:00'`)
    .replaceAll('to = …', `to = '${day(nowMs + dayMs)} 00:00:00'`)
    .replaceAll("'checkout'", "'shop-1'")
    .replaceAll("'pay'", "'shop-1'")
    .replaceAll("'/orders'", "'/resource/0'")
    .replaceAll("'shop.metric'", "'shop.metric.1'");
};

t.test('what is documented and what dashboards ask for', async (t) => {
  const server = await startClickHouse(t);
  const store = openStore(t, server);
  await migrate(store, migrateOptions);
  const nowMs = Date.now();
  const endSeconds = Math.ceil(nowMs / 60_000) * 60;
  const run = (sql: string) => store.command(sql);
  await fillRaw(run, endSeconds);
  await fillTiers(run, {
    endSeconds,
    days: 8,
    minuteHours: 7,
    hourDays: 8,
    services: 2,
    operations: 2,
    spansPerSecond: 10_000,
    series: 10,
  });

  /** As people ask: read-only, through the port for people. Rows as arrays. */
  const ask = async (sql: string): Promise<readonly (readonly unknown[])[] | string> => {
    const query = new URLSearchParams({ database: 'otel', default_format: 'JSONCompactEachRow' });
    const answer = await fetch(`${server.sqlUrl}/?${query.toString()}`, {
      method: 'POST',
      headers: {
        Connection: 'close',
        'X-ClickHouse-User': server.viewer.username,
        'X-ClickHouse-Key': server.viewer.password,
      },
      body: sql,
    });
    const text = await answer.text();
    if (!answer.ok) return `${text}\n${sql}`;
    const lines = text.split('\n').filter((it) => it !== '');
    return lines.map((it) => JSON.parse(it) as readonly unknown[]);
  };

  t.test('every documented statement runs, and the ten questions have answers', async (t) => {
    const statements = documentedStatements();
    const questions = new Set<string>();
    for (const { place, path, sql } of statements) {
      const answer = await ask(filledIn(sql, nowMs));
      t.ok(typeof answer !== 'string', `${place} runs`, { answer });
      if (!path.endsWith('QUESTIONS.md')) continue;
      questions.add(place);
      t.ok(answer.length > 0, `${place} has rows`, { sql });
    }
    t.ok(questions.size >= 10, 'there are ten questions');
  });

  for (const hours of [1, 6, 24, 8 * 24]) {
    t.test(`every query of every dashboard has rows over ${hours} h`, async (t) => {
      const range = { fromSeconds: endSeconds - hours * 3_600, toSeconds: endSeconds };
      const queries = await grafanaQueries(range, async (sql) => {
        const answer = await ask(sql);
        return typeof answer === 'string' ? '' : String(answer[0]?.[0]);
      });
      for (const { dashboard, panel, sql } of queries) {
        const answer = await ask(sql);
        t.ok(typeof answer !== 'string' && answer.length > 0, `${dashboard}: ${panel}`, {
          answer,
          sql,
        });
      }
    });
  }
});
