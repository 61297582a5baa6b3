import t from 'tap';
import { createHistory } from '../../src/notify/history.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { alertingWith, firingAlert, resolvedAlert } from '../support/alerts.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { startNotifier } from '../support/notifier.ts';
import { until } from '../support/until.ts';

const timeoutMs = 10_000;

t.test('what happened stands in the tables people query', async (t) => {
  const store = openStore(t, await startClickHouse(t));
  await migrate(store, migrateOptions);
  const { transit, notifier } = await startNotifier(t, {
    alerting: alertingWith(),
    insertRows: store.insertRows,
  });
  // Recent: rows expire by the time they carry.
  const activeAtMs = Math.floor(Date.now() / 1_000) * 1_000 - 120_125;
  const alert = firingAlert('00000000000000aa-mk1abc', {
    activeAtMs,
    firedAtMs: activeAtMs + 60_000,
    values: { p99: 0.812, broken: Number.NaN },
  });
  await transit('fired', alert);
  await transit('resolved', resolvedAlert(alert));
  await notifier.sendTest('team');
  const rowsOf = (sql: string) => store.query<Record<string, unknown>>(sql, { timeoutMs });
  await until(async () => (await rowsOf('SELECT 1 FROM notification_log')).length === 5);
  await until(async () => (await rowsOf('SELECT 1 FROM alert_events')).length === 2);

  const events = await rowsOf(
    `SELECT Change, Reason, Phase, AlertName, Severity, ServiceName, Labels['http_route'] AS route,
       Values['p99'] AS p99, mapKeys(Values) AS names,
       toUnixTimestamp64Milli(ActiveAt)::Float64 AS active,
       toUnixTimestamp64Milli(FiredAt)::Float64 AS fired, ResolvedAt IS NULL AS open
     FROM alert_events ORDER BY At, Change`,
  );
  t.match(events, [
    {
      ...{ Change: 'fired', Reason: 'held-for', Phase: 'firing', AlertName: 'CheckoutSlow' },
      ...{ Severity: 'critical', ServiceName: 'checkout', route: '/pay', p99: 0.812 },
      ...{ names: ['p99'], active: activeAtMs, fired: activeAtMs + 60_000, open: 1 },
    },
    { Change: 'resolved', Phase: 'resolved', open: 0 },
  ]);

  const log = await rowsOf(
    `SELECT Kind, Outcome, Attempt, Receiver, ChannelType, Destination, Answer,
       abs(At - now64(3)) < 60 AS recent
     FROM notification_log ORDER BY Kind, Attempt`,
  );
  const base = { Receiver: 'team', ChannelType: 'log', Destination: 'log', recent: 1 };
  t.strictSame(log, [
    { Kind: 'firing', Outcome: 'decided', Attempt: 0, ...base, Answer: '' },
    { Kind: 'firing', Outcome: 'delivered', Attempt: 1, ...base, Answer: 'written to the log' },
    { Kind: 'resolved', Outcome: 'decided', Attempt: 0, ...base, Answer: '' },
    { Kind: 'resolved', Outcome: 'delivered', Attempt: 1, ...base, Answer: 'written to the log' },
    { Kind: 'test', Outcome: 'delivered', Attempt: 1, ...base, Answer: 'written to the log' },
  ]);

  const history = createHistory(store.query);
  const { id, labels, ruleId } = alert;
  t.match(await history.changes(id), [
    { change: 'fired', reason: 'held-for', atMs: activeAtMs + 60_000, activeAtMs, labels, ruleId },
    { change: 'resolved', reason: 'cleared', phase: 'resolved', severity: 'critical', labels },
  ]);
  t.strictSame(await history.changes('00000000000000bb-mk1abc'), []);
  const told = { receiver: 'team', channel: 'log', destination: 'log', outcome: 'delivered' };
  const messages = await history.messages({ alertId: id, limit: 10 });
  t.match(messages, [
    { kind: 'resolved', alertId: id, alertName: 'CheckoutSlow', ...told },
    { kind: 'firing', reason: 'first notification', answer: 'written to the log', ...told },
  ]);
  t.ok(messages.every((it) => Math.abs(it.atMs - Date.now()) < 60_000));
  t.equal((await history.messages({ limit: 2 })).length, 2);
  t.equal((await history.messages({ limit: 9 })).length, 3, 'the test message too');
});
