import { randomBytes } from 'node:crypto';
import t from 'tap';
import { openStore } from '../store/open-store.ts';
import { daemonDir, startReplica, within } from '../support/daemon.ts';
import { startRedis } from '../support/redis.ts';
import { clusterName, startShards } from '../support/shards.ts';
import { openClusterDoor } from '../support/without-keeper.ts';

const timeoutMs = 20_000;
const traces = 40;

t.test('the whole daemon on a cluster of two shards', { timeout: 120_000 }, async (t) => {
  const shards = await startShards(t);
  const [one, two] = [openStore(t, shards[0]), openStore(t, shards[1])];
  for (const store of [one, two]) await store.command('SYSTEM START LISTEN TCP');
  const redis = await startRedis(t);
  const dir = daemonDir(t, {
    'tocsin.yaml': `
clickhouse:
  url: ${await openClusterDoor(t, shards)}
  cluster: ${clusterName}
  username: ${shards[0].username}
  password: ${shards[0].password}
redis: {url: '${redis.url}'}
ingest: {batch: {max_age: 200ms}}
rules: {files: [rules.yaml]}
telemetry: {export: off}
`,
    'rules.yaml': `
groups:
  - name: g
    interval: 1s
    query_offset: 1s
    rules:
      - alert: Calls
        signals: {n: {from: spans, value: count(), over: 10m}}
        when: n >= ${traces}
`,
  });
  const daemon = await startReplica(t, dir);

  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const spans = Array.from({ length: traces }, () => ({
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: String(nowNs),
    endTimeUnixNano: String(nowNs + 5_000_000n),
  }));
  const sent = await fetch(`http://${daemon.listen.otlp_http}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
  });
  t.equal(sent.status, 200);

  const held = async (store: typeof one): Promise<number> => {
    const [row] = await store.query<{ n: number }>(
      'SELECT toUInt32(sum(Spans)) AS n FROM span_rollup_1m_local',
      { timeoutMs },
    );
    return row?.n ?? 0;
  };
  const shares = await within(timeoutMs, async () => {
    const counts = [await held(one), await held(two)] as const;
    return counts[0] + counts[1] === traces ? counts : undefined;
  });
  t.ok(
    Math.min(...shares) > 0,
    `spans and what views make of them are on both: ${shares.join(' + ')}`,
  );

  await within(
    30_000,
    async () => {
      const { body } = await daemon.api('GET', '/api/v1/alerts');
      return JSON.stringify(body).includes('"Calls"') ? true : undefined;
    },
    'an alert over both shards',
  );
  await daemon.kill('SIGTERM');
  t.equal(
    (await startReplica(t, dir)).output().includes('schema_migrated'),
    false,
    'migrated once',
  );
});
