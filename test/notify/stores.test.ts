import t, { type Test } from 'tap';
import type { Told } from '../../src/model/delivery.ts';
import { redisKeys } from '../../src/model/keys.ts';
import { parseMatchers } from '../../src/model/matcher-syntax.ts';
import { createSettledStore } from '../../src/notify/settled-store.ts';
import { createSilences, type NewSilence } from '../../src/notify/silences.ts';
import { createToldStore } from '../../src/notify/told-store.ts';
import { firingAlert } from '../support/alerts.ts';
import { manualClock } from '../support/clock.ts';
import { openRedis } from '../support/notifier.ts';
import { startRedis } from '../support/redis.ts';

const redisOf = async (t: Test) => openRedis(t, await startRedis(t));

const told: Told = {
  alert: firingAlert('aa-1'),
  destinations: [],
  escalationLevel: 0,
  owed: [],
};

t.test(
  'a state that somebody else wrote since is not overwritten, nor its rows written',
  async (t) => {
    const redis = await redisOf(t);
    const store = createToldStore(redis);
    const before = await store.read('aa-1');
    t.equal(before.told, undefined);
    const first = await store.commit(before, told, [{ n: 1 }]);
    t.strictSame(first?.told, told);
    t.equal(await store.commit(before, { ...told, escalationLevel: 1 }, [{ n: 2 }]), undefined);
    t.strictSame((await store.read('aa-1')).told, told);
    t.equal(await redis.xlen(redisKeys.ledger('notification_log')), 1);
    t.ok(first && (await store.commit(first, { ...told, escalationLevel: 2 }, [])));
    t.equal((await store.read('aa-1')).told?.escalationLevel, 2);
  },
);

t.test('a forgotten state is gone', async (t) => {
  const store = createToldStore(await redisOf(t));
  const first = await store.commit(await store.read('aa-1'), told, []);
  t.ok(first && (await store.commit(first, undefined, [])));
  t.equal((await store.read('aa-1')).told, undefined);
});

t.test('all states are found, however many there are', async (t) => {
  const store = createToldStore(await redisOf(t));
  for (let n = 0; n < 1_000; n += 1) await store.commit(await store.read(`aa-${n}`), told, []);
  const seen = new Set<string>();
  for await (const page of store.all()) for (const it of page) seen.add(it.alertId);
  t.equal(seen.size, 1_000);
});

t.test('how a message ended is remembered with its ledger row, until forgotten', async (t) => {
  const redis = await redisOf(t);
  const store = createSettledStore(redis);
  await store.settle('aa-1', 'n-1', { outcome: 'delivered', reference: 'C1/2', atMs: 5 }, { n: 1 });
  t.strictSame(
    [...(await store.read('aa-1'))],
    [['n-1', { outcome: 'delivered', reference: 'C1/2', atMs: 5 }]],
  );
  t.equal(await redis.xlen(redisKeys.ledger('notification_log')), 1);
  t.ok((await redis.pttl(redisKeys.settled('aa-1'))) > 0, 'not for ever');
  await store.forget('aa-1', 'n-1');
  t.equal((await store.read('aa-1')).size, 0);
});

const silence = (changes: Partial<NewSilence> & { text?: string }): NewSilence => ({
  matchers: parseMatchers(changes.text ?? 'a=b') ?? [],
  endsAtMs: 200,
  by: 'ana',
  comment: '',
  ...changes,
});

// biome-ignore format: one case per line.
const refusals: readonly (readonly [name: string, silence: NewSilence, message: RegExp])[] = [
  ['no matcher',                            silence({ text: '' }),                         /at least one matcher/],
  ['a matcher of everything',               silence({ text: 'a=~".*"' }),                  /hold every alert/],
  ['only matchers of absent labels',        silence({ text: 'a!=b,c=""' }),                /hold every alert/],
  ['an end before its start',               silence({ startsAtMs: 300 }),                  /end after it starts/],
  ['an end in the past',                    silence({ startsAtMs: 1, endsAtMs: 50 }),      /in the future/],
  ['nobody who sets it',                    silence({ by: ' ' }),                          /name of whoever/],
  ['a comment without end',                 silence({ comment: 'x'.repeat(2_000) }),       /longer than/],
];

t.test('silences', async (t) => {
  const redis = await redisOf(t);
  let changes = 0;
  const silences = createSilences({
    redis,
    clock: manualClock(100),
    random: Math.random,
    changed: () => {
      changes += 1;
    },
  });

  for (const [name, it, message] of refusals) {
    t.test(`with ${name} is refused`, async (t) => {
      await t.rejects(silences.add(it), { code: 'ERR_SILENCE', message });
    });
  }

  t.test('are added, listed and ended, each change being told', async (t) => {
    const added = await silences.add(silence({ text: 'a=~"b.*"' }));
    t.match(added.id, /^[0-9a-f-]{36}$/);
    t.match(added, { startsAtMs: 100, endsAtMs: 200, updatedAtMs: 100 });
    t.strictSame(await silences.get(added.id), added);
    t.strictSame(await silences.list(), [added]);
    t.match(await silences.expire(added.id), { startsAtMs: 100, endsAtMs: 100 });
    t.equal(changes, 2);
    t.match(await silences.expire(added.id), { endsAtMs: 100 });
    t.equal(changes, 2, 'ending what has ended is no change');
    await t.rejects(silences.expire('ghost'), { code: 'ERR_SILENCE_UNKNOWN' });
  });

  t.test('that ended days ago are forgotten', async (t) => {
    const day = 86_400_000;
    const later = createSilences({
      redis,
      clock: manualClock(6 * day),
      random: Math.random,
      changed: () => {},
    });
    const current = await later.add(silence({ endsAtMs: 7 * day }));
    await later.sweep();
    t.strictSame(await later.list(), [current]);
  });
});
