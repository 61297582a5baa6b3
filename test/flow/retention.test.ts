import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { daemonDir, startDaemon } from '../support/daemon.ts';
import { until } from '../support/until.ts';

const waitMsMax = 60_000;

/** How the tables stand, as people can read it. */
const kept = `SELECT name, extract(engine_full, ' TTL (.*?) SETTINGS') AS ttl FROM system.tables
  WHERE database = 'otel' AND name IN ('otel_logs', 'otel_traces', 'span_rollup_1h') ORDER BY name FORMAT TSV`;

t.test('retention in the file becomes that of the tables, at start and at reload', async (t) => {
  const dir = daemonDir(t, { 'tocsin.yaml': 'retention: {logs: 3d}\n' });
  const daemon = await startDaemon(t, dir);
  const write = (text: string) => writeFileSync(join(dir, 'tocsin.yaml'), text);

  t.match(await daemon.sql(kept), 'otel_logs\tTimestampTime + toIntervalDay(3)\n');
  t.match(await daemon.sql(kept), /span_rollup_1h\tTime \+ toIntervalDay\(365\)/);

  write('retention: {logs: 4d, spans: {1h: 100d}}\n');
  const reloaded = await daemon.api('POST', '/-/reload');
  t.equal(reloaded.status, 200);
  t.match(await daemon.sql(kept), 'otel_logs\tTimestampTime + toIntervalDay(4)\n');
  t.match(await daemon.sql(kept), /span_rollup_1h\tTime \+ toIntervalDay\(100\)/);

  write(
    'retention:\n  logs: 4d\n  overrides: [{service: checkout, traces: {raw: 60d}, logs: 90d}]\n',
  );
  process.kill(daemon.pid, 'SIGHUP');
  await until(async () => /otel_logs\t.*checkout/.test(await daemon.sql(kept)), waitMsMax);
  t.match(await daemon.sql(kept), /otel_traces\t.*match\(ServiceName.*checkout.*5184000/);

  write('retention: {logs: 4 fortnights}\n');
  const refused = await daemon.api('POST', '/-/reload');
  t.not(refused.status, 200);
  t.match(await daemon.sql(kept), /otel_logs\t.*checkout/, 'a bad file changes nothing');

  write('retention: {cold: {after: 1d, volume: glacier}}\nclickhouse: {storage_policy: default}\n');
  const nowhere = await daemon.api('POST', '/-/reload');
  t.not(nowhere.status, 200);
  t.match(JSON.stringify(nowhere.body), /retention: .*glacier/);
});

t.test('of two reloads that run into one another the last has the last word', async (t) => {
  const text = (days: number) => {
    const tiers = `1m: ${days}d, 1h: ${days}d, 1d: ${days}d`;
    return `retention: {logs: ${days}d, traces: {raw: ${days}d}, spans: {${tiers}}, metrics: {raw: ${days}d, ${tiers}}}\n`;
  };
  const dir = daemonDir(t, { 'tocsin.yaml': text(50) });
  const daemon = await startDaemon(t, dir);
  const reloadTo = (days: number) => {
    writeFileSync(join(dir, 'tocsin.yaml'), text(days));
    return daemon.api('POST', '/-/reload');
  };
  const tablesWith = async (days: number): Promise<number> =>
    Number(
      await daemon.sql(
        `SELECT count() FROM system.tables WHERE database = 'otel' AND engine_full LIKE '%toIntervalDay(${days})%' FORMAT TSV`,
      ),
    );
  const all = await tablesWith(50);
  t.ok(all > 10);
  const there = reloadTo(40);
  await until(async () => (await tablesWith(40)) > 0, waitMsMax);
  // What the first has not come to yet stands as the second wants it, and must in the end.
  const back = reloadTo(50);
  t.equal((await there).status, 200);
  t.equal((await back).status, 200);
  t.strictSame([await tablesWith(50), await tablesWith(40)], [all, 0]);
});
