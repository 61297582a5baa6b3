import { inspect } from 'node:util';
import t from 'tap';
import { loadAlerting } from '../../src/config/alerting.ts';
import { formatProblem } from '../../src/lib/document.ts';

const files: Readonly<Record<string, string>> = {
  'etc/smtp': 'mail pass\n',
  'etc/hook': 'https://h/x',
};

const load = (text: string, environment: Readonly<Record<string, string>> = {}) =>
  loadAlerting({
    file: { path: 'etc/alerting.yaml', text },
    environment,
    readFile: (path) => {
      const found = files[path];
      if (found === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return found;
    },
    externalUrl: 'http://tocsin.example',
  });

const alertingOf = (text: string, environment?: Readonly<Record<string, string>>) => {
  const reading = load(text, environment);
  if (!reading.ok) throw new Error(reading.problems.map(formatProblem).join('\n'));
  return reading;
};

const problems = (text: string): readonly string[] => {
  const reading = load(text);
  return reading.ok ? [] : reading.problems.map(formatProblem);
};

/** What a team that runs Alertmanager today has, with most of its features in use. */
const alertmanager = `
global:
  resolve_timeout: 5m
  smtp_smarthost: 'mail.example.com:587'
  smtp_from: 'Alerts <alerts@example.com>'
  smtp_auth_username: alerts
  smtp_auth_password_file: smtp
  smtp_hello: example.com
  slack_api_url: 'https://hooks.example.com/services/T0/B0/XXX'
  pagerduty_url: https://events.example.com/v2/enqueue
  http_config:
    follow_redirects: true
templates:
  - '/etc/alertmanager/template/*.tmpl'
route:
  receiver: team-mails
  group_by: ['alertname', 'cluster', 'service']
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 3h
  routes:
    - matchers:
        - service=~"foo1|foo2|baz"
      receiver: team-mails
      routes:
        - matchers: [severity="critical"]
          receiver: team-chat
          continue: true
    - match: {service: files, code: 500}
      match_re: {job: 'a.*'}
      receiver: team-mails
    - matchers: ['{service="database", owner=~"team-.*"}']
      receiver: team-hook
      group_by: ['...']
      mute_time_intervals: [offhours]
inhibit_rules:
  - source_matchers: [severity="critical"]
    target_matchers: [severity="warning"]
    equal: [alertname, dev, instance]
time_intervals:
  - name: offhours
    time_intervals:
      - weekdays: ['saturday', 'sunday']
        times: [{start_time: '00:00', end_time: '24:00'}]
        location: Europe/Berlin
receivers:
  - name: team-mails
    email_configs:
      - to: 'team+alerts@example.org, "Lee, Kim" <kim@example.org>'
        headers: {Subject: 'Alert {{ .GroupLabels.alertname }}', X-Team: mails}
        send_resolved: false
  - name: team-chat
    slack_configs:
      - channel: '#ops'
        title: '{{ .CommonLabels.alertname }}'
        text: 'x'
        send_resolved: true
    pagerduty_configs:
      - routing_key: abc
  - name: team-hook
    webhook_configs:
      - url_file: hook
        max_alerts: 10
        http_config:
          basic_auth: {username: u, password: p}
  - name: 'null'
`;

t.test('without a file every alert goes to the log', async (t) => {
  const reading = loadAlerting({
    environment: {},
    readFile: () => '',
    externalUrl: 'http://127.0.0.1:9900',
  });
  t.match(reading, {
    ok: true,
    alerting: {
      externalUrl: 'http://127.0.0.1:9900',
      route: { receiver: 'log', matchers: [], routes: [] },
      receivers: [{ name: 'log', channels: [{ type: 'log' }] }],
      escalationPolicies: [],
    },
    warnings: [],
  });
});

t.test("an Alertmanager's configuration is read unchanged", async (t) => {
  const { alerting } = alertingOf(alertmanager);
  t.strictSame(alerting.route, {
    receiver: 'team-mails',
    matchers: [],
    continue: false,
    routes: [
      {
        receiver: 'team-mails',
        matchers: [{ name: 'service', operator: '=~', value: 'foo1|foo2|baz' }],
        continue: false,
        routes: [
          {
            receiver: 'team-chat',
            matchers: [{ name: 'severity', operator: '=', value: 'critical' }],
            continue: true,
            routes: [],
          },
        ],
      },
      {
        receiver: 'team-mails',
        matchers: [
          { name: 'service', operator: '=', value: 'files' },
          { name: 'code', operator: '=', value: '500' },
          { name: 'job', operator: '=~', value: 'a.*' },
        ],
        continue: false,
        routes: [],
      },
      {
        receiver: 'team-hook',
        matchers: [
          { name: 'service', operator: '=', value: 'database' },
          { name: 'owner', operator: '=~', value: 'team-.*' },
        ],
        continue: false,
        routes: [],
      },
    ],
  });
  const [mails, chat, hook, nobody] = alerting.receivers;
  t.match(mails, {
    name: 'team-mails',
    channels: [
      {
        type: 'email',
        to: ['team+alerts@example.org', '"Lee, Kim" <kim@example.org>'],
        from: 'Alerts <alerts@example.com>',
        smarthost: 'mail.example.com:587',
        hello: 'example.com',
        username: 'alerts',
        requireTls: true,
        verifyTls: true,
        headers: { 'X-Team': 'mails' },
        sendResolved: false,
        sendAcknowledged: true,
      },
    ],
  });
  t.match(chat, { channels: [{ type: 'slack', channel: '#ops', sendResolved: true }] });
  t.match(hook, { channels: [{ type: 'webhook', alertsMax: 10, timeoutMs: 10_000 }] });
  t.match(nobody, { name: 'null', channels: [] });
  const secrets = [mails, chat, hook].flatMap((it) =>
    (it?.channels ?? []).map((channel) => {
      if (channel.type === 'email') return channel.password?.reveal();
      if (channel.type === 'slack') return channel.apiUrl?.reveal();
      return channel.type === 'webhook'
        ? `${channel.url.reveal()} ${channel.authorization?.reveal()}`
        : '';
    }),
  );
  t.strictSame(secrets, [
    'mail pass',
    'https://hooks.example.com/services/T0/B0/XXX',
    'https://h/x Basic dTpw',
  ]);
  t.notMatch(inspect(alerting, { depth: 9 }) + JSON.stringify(alerting), /mail pass|B0.XXX|dTpw/);
});

t.test('what is understood and not yet done is said once, with its place', async (t) => {
  const { warnings } = alertingOf(alertmanager);
  t.strictSame(warnings.map((it) => `${it.key}: ${it.message}`).toSorted(), [
    'inhibit_rules: not applied yet: nothing is inhibited',
    'receivers[0].email_configs[0].headers.Subject: templates are not applied yet: left out',
    'receivers[1].pagerduty_configs: Tocsin does not deliver this yet: nothing is sent there',
    'receivers[1].slack_configs[0].title: not applied yet, the message is ours; nor text',
    'route.group_by: not applied yet: each alert is told by itself, once for each change',
    'route.group_interval: not applied yet: each alert is told by itself, once for each change',
    'route.group_wait: not applied yet: each alert is told by itself, once for each change',
    'route.repeat_interval: not applied yet: each alert is told by itself, once for each change',
    'route.routes[2].mute_time_intervals: not applied yet: messages are sent at all times',
    'templates: not applied yet: messages are worded by Tocsin',
  ]);
  t.ok(warnings.every((it) => it.line > 0));
});

const tocsin = `
route: {receiver: payments}
receivers:
  - name: payments
    slack_configs:
      - {bot_token: '\${BOT}', channel: '#pay', bot_api_url: 'http://127.0.0.1:1/api/'}
    webhook_configs:
      - {url: 'http://127.0.0.1:1/', signing_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, timeout: 2s}
  - {name: managers, log_configs: [{}]}
escalation_policies:
  - name: payments
    levels:
      - {notify: payments}
      - {after: 10m, notify: [payments, managers]}
    repeat: 2
fallback_receiver: managers
suppression: {upstream: true}
`;

t.test("Tocsin's own keys are read", async (t) => {
  const { alerting, warnings } = alertingOf(tocsin, { BOT: 'xoxb-1' });
  t.match(alerting, {
    receivers: [
      {
        channels: [
          { type: 'slack', channel: '#pay', botApiUrl: 'http://127.0.0.1:1/api/' },
          { type: 'webhook', timeoutMs: 2_000, sendResolved: true, sendAcknowledged: false },
        ],
      },
      { channels: [{ type: 'log' }] },
    ],
    escalationPolicies: [
      {
        name: 'payments',
        repeat: 2,
        levels: [
          { afterMs: 0, notify: ['payments'] },
          { afterMs: 600_000, notify: ['payments', 'managers'] },
        ],
      },
    ],
    fallbackReceiver: 'managers',
  });
  t.match(warnings, [{ key: 'suppression' }]);
});

const base = 'route: {receiver: a}\nreceivers:\n  - name: a\n';
const email = (extra: string) =>
  `${base}    email_configs: [{to: a@b.c, from: d@e.f, smarthost: "m:25"${extra}}]\n`;
const webhook = (keys: string) => `${base}    webhook_configs: [{${keys}}]\n`;
const slack = (keys: string) => `${base}    slack_configs: [{${keys}}]\n`;
const policy = (levels: string) =>
  `${base}escalation_policies:\n  - {name: p, levels: [${levels}]}\n`;

// biome-ignore format: one case per line.
const slackTable: readonly (readonly [name: string, global: string, section: string, expected: readonly [url: string | undefined, token?: string, api?: string]])[] = [
  ['a URL of its own',             '',                                              'api_url: "https://h/1"',                        ['https://h/1']],
  ['a token of its own',           '',                                              'app_token: own',                                [undefined, 'own']],
  ['the global URL',               'slack_api_url: "https://h/g"',                  '',                                              ['https://h/g']],
  ['the global token',             'slack_app_token: shared',                       '',                                              [undefined, 'shared']],
  ['its own URL over a global token', 'slack_app_token: shared',                    'api_url: "https://h/1"',                        ['https://h/1']],
  ['its own token over a global URL', 'slack_api_url: "https://h/g"',               'app_token: own',                                [undefined, 'own']],
  ['a server of its own for bots', 'slack_app_token: shared',                       'app_url: "http://s/api/chat.postMessage"',      [undefined, 'shared', 'http://s/api/']],
  ['the old way to write bots',    'slack_api_url: "https://s/api/chat.postMessage"', 'http_config: {authorization: {credentials: old}}', [undefined, 'old', 'https://s/api/']],
  ['both ways of writing bots',    'slack_app_token: shared, slack_api_url: "https://s/api/chat.postMessage"', '',                   [undefined, 'shared', 'https://s/api/']],
];

for (const [name, global, section, [url, token, api]] of slackTable) {
  t.test(`Slack is reached by ${name}`, async (t) => {
    const text = `global: {${global}}\n${slack(`channel: '#a'${section && ', '}${section}`)}`;
    const [channel] = alertingOf(text).alerting.receivers[0]?.channels ?? [];
    if (channel?.type !== 'slack') throw new Error('no Slack channel');
    t.equal(channel.apiUrl?.reveal(), url);
    t.equal(channel.botToken?.reveal(), token);
    t.equal(channel.botApiUrl, api);
  });
}

t.test('empty texts and keys with nothing behind them are as good as absent', async (t) => {
  const text = `global: {smtp_hello: '', smtp_auth_username: '', smtp_auth_password: '', http_config: }
templates:
route: {receiver: a, routes: }
receivers: [{name: a, email_configs: [{to: a@b.c, from: d@e.f, smarthost: 'm:25', headers: }], slack_configs: }]
`;
  const { alerting } = alertingOf(text);
  t.match(alerting.receivers[0]?.channels, [{ type: 'email', headers: {} }]);
  t.strictSame(Object.keys(alerting.receivers[0]?.channels[0] ?? {}).toSorted(), [
    'from',
    'headers',
    'requireTls',
    'sendAcknowledged',
    'sendResolved',
    'smarthost',
    'to',
    'type',
    'verifyTls',
  ]);
  t.match(problems('route: {receiver: a, routes: [{match: {team: }}]}\nreceivers: [{name: a}]'), [
    /routes\[0\].match.team/,
  ]);
});

// biome-ignore format: one mistake per line.
const mistakes: readonly (readonly [name: string, text: string, expected: string | RegExp])[] = [
  ['no route',                       'receivers: [{name: a}]',                           /^etc\/alerting.yaml:1:1 route: .*expected object/],
  ['no receivers',                   'route: {receiver: a}',                             /receivers: .*expected array/],
  ['a root without a receiver',      'route: {}\nreceivers: [{name: a}]',                'etc/alerting.yaml:1:8 route: the root route needs a receiver'],
  ['a root with matchers',           'route: {receiver: a, matchers: [x=y]}\nreceivers: [{name: a}]', /route: the root route takes every alert/],
  ['a receiver that is not there',   'route: {receiver: b}\nreceivers: [{name: a}]',     'etc/alerting.yaml:1:19 route.receiver: there is no receiver b'],
  ['a nested receiver that is not there', 'route:\n  receiver: a\n  routes:\n    - receiver: b\nreceivers: [{name: a}]', 'etc/alerting.yaml:4:17 route.routes[0].receiver: there is no receiver b'],
  ['a receiver twice',               `${base}  - name: a\n`,                             'etc/alerting.yaml:4:11 receivers[1].name: a is there twice'],
  ['a time interval that is not there', 'route: {receiver: a, routes: [{mute_time_intervals: [x]}]}\nreceivers: [{name: a}]', /there is no time interval x/],
  ['a matcher that is none',         'route: {receiver: a, routes: [{matchers: [x]}]}\nreceivers: [{name: a}]', /route.routes\[0\].matchers\[0\]: expected matchers such as/],
  ['a pattern that is none',         'route: {receiver: a, routes: [{match_re: {x: "("}}]}\nreceivers: [{name: a}]', /match_re.x: expected a regular expression/],
  ['a misspelt key deep down',       webhook('url: "http://h", sendresolved: true'),     /webhook_configs\[0\].sendresolved: unknown key; did you mean send_resolved\?/],
  ['a misspelt key in a route',      'route: {receiver: a, routes: [{reciever: a}]}\nreceivers: [{name: a}]', /routes\[0\].reciever: unknown key; did you mean receiver\?/],
  ['a duration without a unit',      'route: {receiver: a, group_wait: "30"}\nreceivers: [{name: a}]', /group_wait: expected a duration/],
  ['email without a smarthost',      `${base}    email_configs: [{to: a@b.c, from: d@e.f}]`, 'etc/alerting.yaml:4:21 receivers[0].email_configs[0]: needs smarthost (host:port), here or as global.smtp_smarthost'],
  ['email without a sender',         `${base}    email_configs: [{to: a@b.c, smarthost: "m:25"}]`, /needs from, here or as global.smtp_from/],
  ['a smarthost without a port',     `${base}    email_configs: [{to: a@b.c, from: d@e.f, smarthost: mail}]`, /expected smarthost as host:port/],
  ['an address that is none',        `${base}    email_configs: [{to: "a, b@c", from: d@e.f, smarthost: "m:25"}]`, /email_configs\[0\].to: expected addresses/],
  ['an address by template',         `${base}    email_configs: [{to: "{{ .x }}@c", from: d@e.f, smarthost: "m:25"}]`, /email_configs\[0\].to: expected addresses/],
  ['a password twice',               email(', auth_password: x, auth_password_file: smtp'), /auth_password_file: give either auth_password or auth_password_file/],
  ['a password in a missing file',   email(', auth_password_file: nope'),                /auth_password_file: this file cannot be read: ENOENT/],
  ['Slack without a way in',         slack('channel: "#a"'),                             /slack_configs\[0\]: needs api_url or bot_token/],
  ['Slack with two ways in',         slack('channel: "#a", api_url: "http://h", bot_token: x'), /give either api_url or bot_token, not both/],
  ['Slack with two ways in from elsewhere', `global: {slack_app_token: x, slack_api_url: "http://h"}\n${slack('channel: "#a"')}`, /both a URL and a token for Slack/],
  ['a bot without a channel',        slack('bot_token: x'),                              /needs channel/],
  ['an incoming webhook that is no URL', slack('api_url: hook'),                         /api_url: expected the URL of an incoming webhook/],
  ['a webhook without a URL',        webhook('max_alerts: 1'),                           /needs url or url_file/],
  ['a webhook of another protocol',  webhook('url: "ftp://h"'),                          /webhook_configs\[0\].url: expected a URL that starts with/],
  ['a short signing secret',         webhook('url: "http://h", signing_secret: whsec_AAAA'), /signing_secret: expected whsec_ and base64/],
  ['two authorizations',             webhook('url: "http://h", http_config: {bearer_token: a, basic_auth: {username: b}}'), /give one of authorization, basic_auth and bearer_token/],
  ['a policy with an unknown receiver', policy('{notify: b}'),                           'etc/alerting.yaml:5:33 escalation_policies[0].levels[0].notify[0]: there is no receiver b'],
  ['a policy by schedule',           policy('{notify: ["schedule:night"]}'),             /notify\[0\]: a schedule as target is not supported yet; name a receiver/],
  ['a level that does not wait',     policy('{notify: a}, {notify: a}'),                 /levels\[1\]: needs after/],
  ['a policy without levels',        policy(''),                                         /escalation_policies\[0\].levels: /],
  ['a policy twice',                 `${base}escalation_policies: [{name: p, levels: [{notify: a}]}, {name: p, levels: [{notify: a}]}]`, /escalation_policies\[1\].name: p is there twice/],
  ['a fallback that is not there',   `${base}fallback_receiver: b`,                      'etc/alerting.yaml:4:20 fallback_receiver: there is no receiver b'],
  ['a variable that is not set',     webhook('url: "${HOOK}"'),                          /environment variable HOOK is not set/],
];

for (const [name, text, expected] of mistakes) {
  t.test(`${name} is one problem with its place`, async (t) => {
    const found = problems(text);
    t.equal(found.length, 1, found.join('\n'));
    if (typeof expected === 'string') t.equal(found[0], expected);
    else t.match(found[0], expected);
  });
}

t.test('all problems are reported at once, in the order of the file', async (t) => {
  const text = [
    'global: {smtp_auth_password_file: nope, smtp_from: a@b.c, smtp_smarthost: "m:25"}',
    'route: {receiver: x}',
    'receivers:',
    '  - {name: a, email_configs: [{to: a@b.c}, {to: d@e.f}]}',
    '  - {name: a, slack_configs: [{}]}',
  ];
  t.match(problems(text.join('\n')), [
    /:1:\d+ global.smtp_auth_password_file/,
    /:2:\d+ route.receiver/,
    /:5:\d+ receivers\[1\].name/,
    /:5:\d+ receivers\[1\].slack_configs\[0\]/,
  ]);
});

t.test('no problem shows a secret', async (t) => {
  const text = `${slack('api_url: "hush hush"')}    webhook_configs: [{url: "hush", signing_secret: hush}]`;
  const found = problems(text).join('\n');
  t.match(found, /api_url[^]*url[^]*signing_secret/);
  t.notMatch(found, 'hush');
});
