import t, { type Test } from 'tap';
import { decideDeliveries } from '../../src/decide/deliveries.ts';
import type { Alert } from '../../src/model/alert.ts';
import type { DeliveriesDecision, DeliveriesInput, Told } from '../../src/model/delivery.ts';
import { parseMatchers } from '../../src/model/matcher-syntax.ts';
import type { Silence } from '../../src/model/suppression.ts';
import { alertingWith, firingAlert, resolvedAlert } from '../support/alerts.ts';

/** The alert after so many changes of its severity. */
const graded = (severity: string, rank: number, changes: number): Alert => {
  const plain = firingAlert('aa-1', { escalation: 'policy', grade: { rank, changes } });
  return { ...plain, labels: { ...plain.labels, severity } };
};
const warning = graded('warning', 0, 0);
const critical = graded('critical', 1, 1);
const lowered = graded('warning', 0, 2);
const criticalAgain = graded('critical', 1, 3);

/** Warnings reach the team, critical alerts the pager too; unanswered ones the boss. */
const alerting = alertingWith({
  route: {
    receiver: 'team',
    matchers: [],
    continue: false,
    routes: [
      {
        receiver: 'pager',
        matchers: parseMatchers('severity=critical') ?? [],
        continue: true,
        routes: [],
      },
      { matchers: [], continue: false, routes: [] },
    ],
  },
  receivers: ['team', 'pager', 'boss', 'fallback'].map((name) => ({
    name,
    channels: [{ type: 'log', sendResolved: true, sendAcknowledged: true }],
  })),
  escalationPolicies: [{ name: 'policy', repeat: 0, levels: [{ afterMs: 100, notify: ['boss'] }] }],
  fallbackReceiver: 'fallback',
});

const silenceOf = (matchers: string, endsAtMs = 1_000): Silence => ({
  id: 's1',
  matchers: parseMatchers(matchers) ?? [],
  startsAtMs: 0,
  endsAtMs,
  by: 'ana',
  comment: '',
  updatedAtMs: 0,
});
const silences = [silenceOf('service_name=checkout')];
const acknowledgement = { alertId: warning.id, by: 'ana', atMs: 10 };

type Occasion = Partial<Omit<DeliveriesInput, 'nowMs' | 'told'>>;

/** `firing:warning>team (reason)`; every occasion is decided twice, and the second time is silent. */
const live = (
  t: Pick<Test, 'equal'>,
  occasions: readonly (readonly [nowMs: number, input: Occasion])[],
) => {
  let told: Told | undefined;
  const decide = (nowMs: number, input: Occasion): DeliveriesDecision =>
    decideDeliveries({
      told,
      alert: told?.alert ?? warning,
      alerting,
      silences: [],
      nowMs,
      ...input,
    });
  return occasions.map(([nowMs, input]) => {
    const decision = decide(nowMs, input);
    told = decision.told;
    const again = decide(nowMs, input);
    t.equal(again.told, told, 'deciding again changes nothing');
    return decision.deliveries.map(({ notification: it }) => {
      const { severity } = it.alert.labels;
      return `${it.kind}:${severity}>${it.receiver} (${it.reason})`;
    });
  });
};

const first = ['firing:warning>team (first notification)'];
const raised = [
  'firing:critical>team (severity raised)',
  'firing:critical>pager (severity raised)',
];

const table: readonly {
  readonly when: string;
  readonly occasions: Parameters<typeof live>[1];
  readonly told: readonly (readonly string[])[];
}[] = [
  {
    when: 'a severity rises, those told and those it now concerns are told',
    occasions: [
      [0, {}],
      [10, { alert: critical }],
    ],
    told: [first, raised],
  },
  {
    when: 'a severity sinks, nobody is told, and the end carries what it was last',
    occasions: [
      [0, {}],
      [10, { alert: critical }],
      [20, { alert: lowered }],
      [30, { alert: resolvedAlert(lowered) }],
    ],
    told: [
      first,
      raised,
      [],
      ['resolved:warning>team (resolved)', 'resolved:warning>pager (resolved)'],
    ],
  },
  {
    when: 'a severity rises again after it sank, that is told again',
    occasions: [
      [0, {}],
      [10, { alert: critical }],
      [20, { alert: lowered }],
      [30, { alert: criticalAgain }],
    ],
    told: [first, raised, [], raised],
  },
  {
    when: 'a rise is replayed after it was told, or an older snapshot comes late, nobody is told',
    occasions: [
      [0, {}],
      [10, { alert: critical }],
      [20, { alert: warning }],
      [30, { alert: critical }],
      [40, { alert: lowered }],
      [50, { alert: critical }],
    ],
    told: [first, raised, [], [], [], []],
  },
  {
    when: 'an older snapshot comes late, later messages say what is now',
    occasions: [
      [0, {}],
      [10, { alert: critical }],
      [20, { alert: warning }],
      [30, { acknowledgement }],
    ],
    told: [
      first,
      raised,
      [],
      [
        'acknowledged:critical>team (acknowledged by ana)',
        'acknowledged:critical>pager (acknowledged by ana)',
      ],
    ],
  },
  {
    when: 'two changes are seen at once, the sum counts: up and down is no news',
    occasions: [
      [0, {}],
      [10, { alert: lowered }],
    ],
    told: [first, []],
  },
  {
    when: 'two changes are seen at once, the sum counts: up, down and up is one rise',
    occasions: [
      [0, {}],
      [10, { alert: criticalAgain }],
    ],
    told: [first, raised],
  },
  {
    when: 'an escalation runs, a rise neither stops nor restarts it',
    occasions: [
      [0, {}],
      [60, { alert: critical }],
      [99, {}],
      [100, {}],
    ],
    told: [first, raised, [], ['escalated:critical>boss (escalation level 1)']],
  },
  {
    when: 'somebody was told by escalation only, a rise is told there too',
    occasions: [
      [0, {}],
      [100, {}],
      [110, { alert: critical }],
    ],
    told: [
      first,
      ['escalated:warning>boss (escalation level 1)'],
      [
        'firing:critical>team (severity raised)',
        'firing:critical>boss (severity raised)',
        'firing:critical>pager (severity raised)',
      ],
    ],
  },
  {
    when: 'the alert was acknowledged, a rise is told all the same and escalation stays over',
    occasions: [
      [0, {}],
      [10, { acknowledgement }],
      [20, { alert: critical, acknowledgement }],
      [500, { acknowledgement }],
    ],
    told: [
      first,
      ['acknowledged:warning>team (acknowledged by ana)'],
      [...raised, 'acknowledged:critical>pager (acknowledged by ana)'],
      [],
    ],
  },
  {
    when: 'a silence holds the alert, the rise is told when the silence ends',
    occasions: [
      [0, {}],
      [10, { silences }],
      [20, { alert: critical, silences }],
      [90, { silences: [] }],
    ],
    told: [first, [], [], raised],
  },
  {
    when: 'a severity rises and sinks under a silence, nobody hears of it',
    occasions: [
      [0, {}],
      [20, { alert: critical, silences }],
      [30, { alert: lowered, silences }],
      [90, {}],
    ],
    told: [first, [], [], []],
  },
  {
    when: 'a severity sinks under a silence and rises after it, that is told',
    occasions: [
      [0, { alert: graded('critical', 1, 0) }],
      [10, { alert: graded('warning', 0, 1), silences }],
      [90, { alert: graded('critical', 1, 2) }],
    ],
    told: [
      ['firing:critical>pager (first notification)', 'firing:critical>team (first notification)'],
      [],
      ['firing:critical>pager (severity raised)', 'firing:critical>team (severity raised)'],
    ],
  },
  {
    when: 'only warnings are silenced, what becomes critical is told at once',
    occasions: [
      [0, { silences: [silenceOf('severity=warning')] }],
      [10, { alert: critical, silences: [silenceOf('severity=warning')] }],
    ],
    told: [
      [],
      ['firing:critical>pager (severity raised)', 'firing:critical>team (severity raised)'],
    ],
  },
  {
    when: 'nobody was told before its end, a rise under a silence is history',
    occasions: [
      [0, { silences }],
      [10, { alert: critical, silences }],
      [20, { alert: resolvedAlert(critical), silences }],
    ],
    told: [[], [], []],
  },
  {
    when: 'an edited rule ranks the same severity higher, that is no rise',
    occasions: [
      [0, {}],
      [10, { alert: graded('warning', 1, 0) }],
      [20, { alert: graded('critical', 2, 1) }],
    ],
    told: [first, [], raised],
  },
];

for (const { when, occasions, told } of table) {
  t.test(`when ${when}`, async (t) => t.strictSame(live(t, occasions), told));
}

t.test(
  'a rise comes after what was told before, in its thread, with an id of its own',
  async (t) => {
    const base = { alerting, silences: [] };
    const one = decideDeliveries({ ...base, told: undefined, alert: warning, nowMs: 0 });
    const two = decideDeliveries({ ...base, told: one.told, alert: critical, nowMs: 5 });
    const three = decideDeliveries({ ...base, told: two.told, alert: criticalAgain, nowMs: 9 });
    const [before, after] = [one.deliveries[0], two.deliveries[0]];
    t.match(after, {
      after: before?.notification.id,
      notification: {
        id: /^n-aa-1-raised-1-[0-9a-f]{10}-0$/,
        thread: { id: before?.notification.id },
      },
    });
    t.strictSame(three.deliveries, [], 'critical was known');
    t.strictSame(
      two.told?.destinations.map((it) => it.messages),
      [['firing', 'raised-1'], ['raised-1']],
    );
  },
);

t.test('what a silence keeps of a rise is said once', async (t) => {
  const base = { alerting, nowMs: 10 };
  const { told } = decideDeliveries({ ...base, told: undefined, alert: warning, silences: [] });
  const quiet = decideDeliveries({ ...base, told, alert: warning, silences });
  t.strictSame(quiet.held, [], 'who was told already is not held');
  const held = decideDeliveries({ ...base, told: quiet.told, alert: critical, silences });
  t.strictSame(held.held, [
    { receiver: 'pager', reason: 'silenced', by: 's1' },
    { receiver: 'team', reason: 'silenced', by: 's1' },
  ]);
  t.strictSame(decideDeliveries({ ...base, told: held.told, alert: critical, silences }).held, []);
});

t.test('the fallback receiver hears of a rise that somebody could not be told', async (t) => {
  const base = { alerting, silences: [], nowMs: 10 };
  const one = decideDeliveries({ ...base, told: undefined, alert: warning });
  const dead = one.deliveries[0]?.notification;
  const two = decideDeliveries({ ...base, told: one.told, alert: warning, ...(dead && { dead }) });
  t.match(two.deliveries, [{ notification: { receiver: 'fallback', kind: 'firing' } }]);
  const three = decideDeliveries({ ...base, told: one.told, alert: critical });
  const lost = three.deliveries.find((it) => it.notification.receiver === 'pager')?.notification;
  const four = decideDeliveries({
    ...base,
    told: three.told,
    alert: critical,
    ...(lost && { dead: lost }),
  });
  t.match(four.deliveries, [
    { notification: { id: /^n-aa-1-raised-1-/, receiver: 'fallback', reason: /severity raised/ } },
  ]);
});
