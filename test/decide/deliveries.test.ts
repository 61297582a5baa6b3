import t from 'tap';
import { decideDeliveries } from '../../src/decide/deliveries.ts';
import type { Alerting } from '../../src/model/alerting.ts';
import type { DeliveriesDecision, DeliveriesInput, Told } from '../../src/model/delivery.ts';
import { parseMatchers } from '../../src/model/matcher-syntax.ts';
import type { Silence } from '../../src/model/suppression.ts';
import {
  alertingWith,
  firingAlert,
  logChannel,
  logReceiver,
  resolvedAlert,
} from '../support/alerts.ts';

const alert = firingAlert('aa-1', { escalation: 'policy' });
const resolved = resolvedAlert(alert);
const policy = {
  name: 'policy',
  repeat: 1,
  levels: [
    { afterMs: 0, notify: ['team'] },
    { afterMs: 100, notify: ['pager', 'team'] },
  ],
};
const alerting = alertingWith({ escalationPolicies: [policy], fallbackReceiver: 'fallback' });
const silence: Silence = {
  id: 's1',
  matchers: parseMatchers('service_name=checkout') ?? [],
  startsAtMs: 0,
  endsAtMs: 1_000,
  by: 'ana',
  comment: '',
  updatedAtMs: 0,
};
const acknowledgement = { alertId: alert.id, by: 'ana', atMs: 50 };

/** `firing>team`, as short as a table wants it. */
const briefly = (decision: DeliveriesDecision): readonly string[] =>
  decision.deliveries.map(({ notification: it }) => `${it.kind}>${it.receiver}`);

/** Lives through occasions one after the other, each decided on what the one before left. */
const story = (rules: Alerting) => {
  let told: Told | undefined;
  return (
    nowMs: number,
    input: Partial<Omit<DeliveriesInput, 'nowMs' | 'told'>> = {},
  ): DeliveriesDecision => {
    const decide = (before: Told | undefined) =>
      decideDeliveries({
        told: before,
        alert: before?.alert ?? alert,
        alerting: rules,
        silences: [],
        nowMs,
        ...input,
      });
    const decision = decide(told);
    told = decision.told;
    return decision;
  };
};

t.test('a firing alert is told once, however often it is looked at', async (t) => {
  const at = story(alerting);
  const first = at(0);
  t.strictSame(briefly(first), ['firing>team']);
  t.equal(first.deliveries[0]?.notification.reason, 'first notification');
  t.strictSame(briefly(at(1)), []);
  t.strictSame(briefly(at(2, { alert: { ...alert, values: { p99: 2 } } })), []);
});

t.test(
  'deciding again on what was decided changes nothing and keeps the very object',
  async (t) => {
    const at = story(alerting);
    const { told } = at(0);
    t.equal(at(1).told, told);
  },
);

t.test('two deciders make the same ids', async (t) => {
  const ids = [story(alerting)(0), story(alerting)(7)].map(
    (it) => it.deliveries[0]?.notification.id,
  );
  t.ok(ids[0]);
  t.equal(ids[0], ids[1]);
  t.match(ids[0], /^n-aa-1-firing-[0-9a-f]{10}-0$/);
});

t.test('a pending alert tells nobody and leaves nothing to remember', async (t) => {
  const decision = story(alerting)(0, { alert: { ...alert, phase: 'pending' } });
  t.strictSame(decision, { told: undefined, deliveries: [], held: [], notes: [] });
});

t.test('whoever was told firing is told resolved, in its thread and after it', async (t) => {
  const at = story(alerting);
  const firing = at(0).deliveries[0];
  const { deliveries } = at(10, { alert: resolved });
  t.equal(deliveries.length, 1);
  t.match(deliveries[0], {
    after: firing?.notification.id,
    notification: { kind: 'resolved', receiver: 'team', thread: { id: firing?.notification.id } },
  });
  t.strictSame(briefly(at(20, { alert: resolved })), []);
});

t.test('an old firing snapshot cannot raise a resolved alert again', async (t) => {
  const at = story(alerting);
  at(0);
  at(10, { alert: resolved });
  const late = at(20, { alert });
  t.strictSame(briefly(late), []);
  t.equal(late.told?.alert.phase, 'resolved');
});

t.test('an alert that was only ever seen resolved tells nobody', async (t) => {
  t.strictSame(briefly(story(alerting)(0, { alert: resolved })), []);
});

t.test('a silenced alert tells nobody, and says who held it', async (t) => {
  const at = story(alerting);
  const held = at(0, { silences: [silence] });
  t.strictSame(briefly(held), []);
  t.strictSame(held.held, [{ receiver: 'team', reason: 'silenced', by: 's1' }]);
  t.strictSame(held.told?.heldBy, { kind: 'silenced', by: 's1' });
  t.strictSame(at(1, { silences: [silence] }).held, [], 'said once');
});

t.test('when a silence ends over an alert that still fires, it is told then', async (t) => {
  const at = story(alerting);
  at(0, { silences: [silence] });
  const { deliveries, told } = at(1_000, { silences: [silence] });
  t.match(deliveries, [{ notification: { kind: 'firing', reason: 'silence ended' } }]);
  t.equal(told?.heldBy, undefined);
});

t.test('a silence that ends over an alert told before tells nobody again', async (t) => {
  const at = story(alerting);
  at(0);
  at(10, { silences: [silence] });
  t.strictSame(briefly(at(20)), []);
});

t.test('an alert that resolves under its silence was never told and is not told', async (t) => {
  const at = story(alerting);
  at(0, { silences: [silence] });
  t.strictSame(briefly(at(10, { alert: resolved, silences: [silence] })), []);
});

t.test('a silence set after the firing was told does not swallow the resolved', async (t) => {
  const at = story(alerting);
  at(0);
  at(10, { silences: [silence] });
  t.strictSame(briefly(at(20, { alert: resolved, silences: [silence] })), ['resolved>team']);
});

t.test('an unacknowledged alert goes up level by level, repeats, then gives up', async (t) => {
  const at = story(alerting);
  t.strictSame(briefly(at(0)), ['firing>team']);
  t.strictSame(briefly(at(99)), []);
  const level1 = at(100);
  t.strictSame(briefly(level1), ['escalated>pager', 'escalated>team']);
  t.equal(level1.told?.escalationLevel, 1);
  t.match(level1.deliveries[0]?.notification, { escalationLevel: 1, reason: 'escalation level 1' });
  t.strictSame(briefly(at(150)), []);
  t.strictSame(briefly(at(200)), ['escalated>team'], 'level 0 of the second round');
  const again = at(300);
  t.strictSame(briefly(again), ['escalated>pager', 'escalated>team']);
  t.equal(again.deliveries[0]?.notification.reason, 'escalation level 1 (round 2)');
  const end = at(400);
  t.strictSame(briefly(end), []);
  t.strictSame(end.notes, [{ code: 'escalation-given-up', detail: 'policy' }]);
  t.strictSame(at(9_999).notes, [], 'said once');
});

t.test('after a long absence levels still come one at a time', async (t) => {
  const at = story(alerting);
  at(0);
  t.strictSame(briefly(at(100_000)), ['escalated>pager', 'escalated>team']);
  t.strictSame(briefly(at(100_001)), []);
});

t.test('an acknowledged alert stops escalating, and those told are told who did', async (t) => {
  const at = story(alerting);
  at(0);
  const decision = at(50, { acknowledgement });
  t.strictSame(briefly(decision), ['acknowledged>team']);
  t.match(decision.deliveries[0]?.notification, { acknowledgedBy: 'ana' });
  t.strictSame(briefly(at(100, { acknowledgement })), []);
  t.strictSame(briefly(at(200, { alert: resolved, acknowledgement })), ['resolved>team']);
});

t.test('a resolved alert stops escalating', async (t) => {
  const at = story(alerting);
  at(0);
  at(50, { alert: resolved });
  const late = at(100, { alert: resolved });
  t.strictSame(briefly(late), []);
  t.strictSame(late.told?.escalation, { kind: 'over', reason: 'resolved' });
});

t.test('a silence holds escalation back until it ends', async (t) => {
  const at = story(alerting);
  at(0);
  t.strictSame(briefly(at(100, { silences: [silence] })), []);
  t.strictSame(briefly(at(1_000, { silences: [silence] })), ['escalated>pager', 'escalated>team']);
});

t.test('whoever joined at a later level is told resolved too', async (t) => {
  const at = story(alerting);
  at(0);
  at(100);
  t.strictSame(briefly(at(150, { alert: resolved })), ['resolved>team', 'resolved>pager']);
});

t.test('channels that want neither resolved nor acknowledged get neither', async (t) => {
  const quiet = { ...logChannel, sendResolved: false, sendAcknowledged: false };
  const at = story({ ...alerting, receivers: [logReceiver('team', quiet)] });
  at(0);
  t.strictSame(briefly(at(50, { acknowledgement })), []);
  t.strictSame(briefly(at(60, { alert: resolved })), []);
});

t.test('that somebody told firing can no longer be told resolved is said', async (t) => {
  const at = story(alerting);
  at(0);
  const gone = { ...alerting, receivers: [logReceiver('pager')] };
  const decision = at(10, { alert: resolved, alerting: gone });
  t.strictSame(briefly(decision), []);
  t.match(decision.notes, [{ code: 'unknown-receiver', detail: /^team, channel 0: gone/ }]);
});

t.test('every channel of a receiver is told', async (t) => {
  const team = { name: 'team', channels: [logChannel, logChannel] };
  const { deliveries } = story({ ...alerting, receivers: [team] })(0);
  t.strictSame(
    deliveries.map((it) => it.notification.channelIndex),
    [0, 1],
  );
});

t.test('routed receivers and level 0 are merged', async (t) => {
  const levels = [{ afterMs: 0, notify: ['pager', 'team'] }];
  const at = story({ ...alerting, escalationPolicies: [{ ...policy, levels }] });
  t.strictSame(briefly(at(0)), ['firing>team', 'firing>pager']);
});

t.test('the fallback receiver stands in for a dead delivery, then hears the end', async (t) => {
  const at = story(alerting);
  const dead = at(0).deliveries[0]?.notification;
  const decision = at(10, { ...(dead && { dead }) });
  t.strictSame(briefly(decision), ['firing>fallback']);
  t.match(
    decision.deliveries[0]?.notification.reason,
    'fallback: team could not be told (first notification)',
  );
  t.strictSame(briefly(at(11, { ...(dead && { dead }) })), []);
  t.strictSame(briefly(at(20, { alert: resolved })), ['resolved>team', 'resolved>fallback']);
});

t.test(
  'a firing that dies after the alert resolved is told to the fallback with its end',
  async (t) => {
    const at = story(alerting);
    const dead = at(0).deliveries[0]?.notification;
    at(10, { alert: resolved });
    const { deliveries } = at(20, { alert: resolved, ...(dead && { dead }) });
    t.match(deliveries, [
      { notification: { kind: 'firing', receiver: 'fallback' } },
      { after: deliveries[0]?.notification.id, notification: { kind: 'resolved' } },
    ]);
  },
);

t.test('nobody stands in for the fallback receiver itself', async (t) => {
  const at = story({ ...alerting, route: { ...alerting.route, receiver: 'fallback' } });
  const dead = at(0).deliveries.find((it) => it.notification.receiver === 'fallback')?.notification;
  t.ok(dead);
  t.strictSame(briefly(at(10, { ...(dead && { dead }) })), []);
});

t.test('the fallback receiver is told for a receiver nobody knows', async (t) => {
  const at = story({ ...alerting, route: { ...alerting.route, receiver: 'ghost' } });
  const levels = { ...alert, escalation: undefined };
  const { escalation: _, ...plain } = levels;
  const decision = at(0, { alert: plain });
  t.strictSame(briefly(decision), ['firing>fallback']);
  t.strictSame(decision.notes, [{ code: 'unknown-receiver', detail: 'ghost' }]);
});

t.test('the fallback receiver is told as well for a policy nobody knows', async (t) => {
  const decision = story(alerting)(0, { alert: { ...alert, escalation: 'ghost' } });
  t.strictSame(briefly(decision), ['firing>team', 'firing>fallback']);
  t.strictSame(decision.notes, [{ code: 'unknown-policy', detail: 'ghost' }]);
});

t.test('when there is nobody at all to tell, that is said', async (t) => {
  const { fallbackReceiver: _, ...none } = alerting;
  const decision = story({ ...none, receivers: [] })(0);
  t.strictSame(briefly(decision), []);
  t.strictSame(
    decision.notes.map((it) => it.code),
    ['unknown-receiver', 'nobody-to-tell'],
  );
});

t.test('a receiver without channels is a way to say nobody', async (t) => {
  const decision = story({ ...alerting, receivers: [{ name: 'team', channels: [] }] })(0);
  t.strictSame([briefly(decision), decision.notes], [[], []]);
});
