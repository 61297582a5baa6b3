import t, { type Test } from 'tap';
import type { Assessment } from '../../../src/evaluate/run/assess.ts';
import type { Remembered } from '../../../src/evaluate/run/remembered.ts';
import { createRuleStore, outboxMax } from '../../../src/evaluate/run/rule-store.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { noopMeter } from '../../../src/lib/meter.ts';
import { connectRedis } from '../../../src/lib/redis.ts';
import { redisKeys } from '../../../src/model/keys.ts';
import { startRedis } from '../../support/redis.ts';

const noon = Date.UTC(2026, 0, 5, 12);
const ruleId = 'shop.yaml/shop/TooMany';

const instance = (service: string): Remembered => ({
  source: { service },
  labels: { alertname: 'TooMany', service },
  annotations: {},
  values: { n: 11 },
  step: { phase: 'firing', activeAtMs: noon, firedAtMs: noon },
  writtenAtMs: noon,
});

const nothing: Assessment = {
  memory: new Map(),
  changed: new Map(),
  forgotten: [],
  transitions: [],
  dropped: 0,
};

/** What one evaluation adds: an instance and the word about it. */
const firing = (service: string): Assessment => {
  const memory = new Map([[`f-${service}`, instance(service)]]);
  const alert = {
    id: `f-${service}-0`,
    fingerprint: `f-${service}`,
    ruleId,
    labels: { service },
    annotations: {},
    phase: 'firing' as const,
    activeAtMs: noon,
    values: {},
  };
  const transition = { kind: 'fired', reason: 'condition-holds', atMs: noon, alert } as const;
  return { ...nothing, memory, changed: memory, transitions: [transition] };
};

const open = async (t: Test) => {
  const { url } = await startRedis(t);
  const options = { url, clock: systemClock, log: silentLog, meter: noopMeter };
  const connection = connectRedis({ ...options, role: 'commands', name: 'test' });
  t.teardown(() => connection.close());
  const store = createRuleStore(connection.redis);
  const evaluated = { atMs: noon, durationMs: 5, dropped: 0 };
  const commit = async (slotMs: number, assessment: Assessment, using = store) => {
    const before = await using.read(ruleId);
    return using.commit({ ruleId, before, slotMs, intervalMs: 30_000, evaluated, assessment });
  };
  return { redis: connection.redis, store, commit, evaluated };
};

t.test('of two who saw the same version one commits, and the other changes nothing', async (t) => {
  const { redis, store, evaluated } = await open(t);
  const other = createRuleStore(redis);
  const [before, beforeToo] = [await store.read(ruleId), await other.read(ruleId)];
  const input = { ruleId, slotMs: noon, intervalMs: 30_000, evaluated };
  const first = await store.commit({ ...input, before, assessment: firing('pay') });
  const second = await other.commit({
    ...input,
    slotMs: noon + 30_000,
    before: beforeToo,
    assessment: firing('cart'),
  });
  t.match(first, { kind: 'committed', transitions: [{ id: `n-${ruleId}-${noon}-0` }] });
  t.strictSame(second, { kind: 'lost' });
  t.equal(await redis.xlen(redisKeys.outbox), 1);
  t.strictSame(
    (await other.alerts()).map((it) => it.labels['service']),
    ['pay'],
  );
});

t.test('a slot counts once, and an earlier one only when the clock was set back', async (t) => {
  const { store, commit } = await open(t);
  t.match(await commit(noon, nothing), { kind: 'committed' });
  t.strictSame(await commit(noon, firing('pay')), { kind: 'stale' });
  t.strictSame(await commit(noon - 30_000, firing('pay')), { kind: 'stale' });
  t.strictSame(await store.alerts(), []);
  t.match(await commit(noon - 3_600_000, firing('pay')), { kind: 'committed' });
  t.equal((await store.alerts()).length, 1);
});

t.test('what cannot be told is not committed, and what tells nothing still is', async (t) => {
  const { redis, store, commit } = await open(t);
  const fill = `for _ = 1, ${outboxMax} do redis.call('XADD', KEYS[1], '*', 'record', '') end`;
  await redis.eval(fill, 1, redisKeys.outbox);
  t.strictSame(await commit(noon, firing('pay')), { kind: 'full' });
  t.strictSame(await store.alerts(), []);
  t.match(await commit(noon, nothing), { kind: 'committed' });
  await redis.xtrim(redisKeys.outbox, 'MAXLEN', 0);
  t.match(await commit(noon + 1, firing('pay')), { kind: 'committed' });
});

t.test('another process reads exactly what was committed', async (t) => {
  const { redis, store, commit } = await open(t);
  await commit(noon, firing('pay'));
  const fresh = await createRuleStore(redis).read(ruleId);
  t.strictSame([...fresh.memory], [['f-pay', instance('pay')]]);
  t.strictSame(await store.read(ruleId), fresh);
  t.equal(fresh.slotMs, noon);
});

t.test('a copy in memory is not trusted after somebody else committed', async (t) => {
  const { redis, store, commit } = await open(t);
  await commit(noon, firing('pay'));
  const other = createRuleStore(redis);
  await commit(noon + 1, { ...nothing, forgotten: ['f-pay'] }, other);
  t.equal((await store.read(ruleId)).memory.size, 0);
});

t.test('ids of transitions do not come again, even when Redis was emptied', async (t) => {
  const { redis, commit } = await open(t);
  const first = await commit(noon, firing('pay'));
  const second = await commit(noon + 1, firing('pay'));
  await redis.flushall();
  const third = await commit(noon + 60_000, firing('pay'));
  const ids = [first, second, third].map((it) => it.kind === 'committed' && it.transitions[0]?.id);
  t.equal(new Set(ids).size, 3);
});

t.test('rules that remember something are known, and their meta stays', async (t) => {
  const { redis, store, commit } = await open(t);
  await commit(noon, firing('pay'));
  t.strictSame(
    [...(await store.strangers(new Set()))],
    [[ruleId, { slotMs: noon, intervalMs: 30_000 }]],
  );
  t.equal((await store.strangers(new Set([ruleId]))).size, 0);
  t.equal(await redis.ttl(redisKeys.ruleMeta(ruleId)), -1);
  await commit(noon + 1, { ...nothing, forgotten: ['f-pay'] });
  t.equal((await store.strangers(new Set())).size, 0);
  t.ok((await redis.ttl(redisKeys.ruleMeta(ruleId))) > 86_400, 'for as long as ids may matter');
});

t.test('text in Redis that is not ours is as good as forgotten', async (t) => {
  const { redis, store } = await open(t);
  await redis.hset(redisKeys.ruleState(ruleId), { a: 'not json', b: '[]', c: '{"labels":{}}' });
  t.strictSame([...(await store.read(ruleId)).memory.keys()], ['c']);
});

t.test('health and phases are told', async (t) => {
  const { store, commit, evaluated } = await open(t);
  t.strictSame(await store.evaluated([ruleId]), [undefined]);
  await commit(noon, firing('pay'));
  t.strictSame(await store.evaluated(['other', ruleId]), [undefined, evaluated]);
  t.strictSame(store.phases(), { pending: 0, firing: 1 });
});
