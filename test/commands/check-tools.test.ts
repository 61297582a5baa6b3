import { join } from 'node:path';
import t from 'tap';
import { runTool } from '../support/cli.ts';

const rules = `groups:
  - name: g
    rules:
      - alert: Slow
        signals: {p99: {from: spans, value: p99(duration), by: [service.name], over: 5m}}
        when: p99 > 1 s
        escalation: payments
`;
const alerting = `route:
  receiver: everybody
  routes:
    - matchers: [team="pay"]
      receiver: payments
      continue: true
    - matchers: [severity="critical"]
      receiver: nobody
receivers:
  - {name: everybody, log_configs: [{}]}
  - {name: payments, log_configs: [{}], webhook_configs: [{url: 'http://127.0.0.1:1/'}]}
  - {name: nobody}
escalation_policies:
  - {name: payments, levels: [{notify: payments}, {after: 10m, notify: everybody}], repeat: 1}
`;

t.test('a good configuration is checked with the files it names', async (t) => {
  const dir = t.testdir({
    'tocsin.yaml': 'rules: {files: [r.yaml]}\nalerting: {file: a.yaml}\n',
    'r.yaml': rules,
    'a.yaml': alerting,
  });
  const path = join(dir, 'tocsin.yaml');
  t.strictSame(await runTool(['config', 'check', path]), {
    code: 0,
    stdout: `${path}: good for tocsin up\n`,
    stderr: '',
  });
});

t.test('every problem of configuration, rules and alerting has its place', async (t) => {
  const dir = t.testdir({
    'tocsin.yaml': 'rules: {files: [r.yaml]}\nalerting: {file: a.yaml}\n',
    'bad.yaml': 'listn: {}\ndata_dir: 5\n',
    'r.yaml': rules.replace('when:', 'whem:'),
    'a.yaml': alerting.replace('notify: payments', 'notify: ghosts'),
  });
  const own = await runTool(['config', 'check', join(dir, 'bad.yaml')]);
  t.equal(own.code, 1);
  t.match(own.stdout.split('\n'), [/bad.yaml:1:8 listn: unknown key/, /bad.yaml:2:11 data_dir: /]);
  const named = await runTool(['config', 'check', join(dir, 'tocsin.yaml'), '--json']);
  t.equal(named.code, 1);
  const { ok, problems } = JSON.parse(named.stdout) as { ok: boolean; problems: unknown[] };
  t.equal(ok, false);
  t.match(JSON.stringify(problems), /whem/);
  t.match(JSON.stringify(problems), /there is no receiver ghosts/);
});

t.test('a configuration that names servers is checked as serve reads it', async (t) => {
  const servers = 'clickhouse: {url: "http://c:8123"}\nredis: {url: "redis://r:6379"}\n';
  const dir = t.testdir({
    'open.yaml': `${servers}auth: {open: true}\n`,
    'shut.yaml': servers,
    'half.yaml': 'clickhouse: {url: "http://c:8123"}\n',
    'twice.yaml': 'listen: {console: ":4318"}\n',
  });
  const check = (name: string, ...more: readonly string[]) =>
    runTool(['config', 'check', join(dir, name), ...more]);
  t.match(await check('open.yaml'), { code: 0, stdout: /good for tocsin serve/ });
  t.match(await check('shut.yaml'), {
    code: 1,
    stdout: /listen.console: 0.0.0.0:9900 can be reached/,
  });
  t.match(await check('shut.yaml', '--for', 'up'), { code: 0, stdout: /good for tocsin up/ });
  t.match(await check('half.yaml'), { code: 0, stdout: /good for tocsin up/ });
  t.match(await check('twice.yaml'), { code: 1, stdout: /^[^\n]+has this port already\n$/ });
  t.match(await check('half.yaml', '--for', 'serve'), {
    code: 1,
    stdout: /redis.url: tocsin serve needs/,
  });
  t.match(await check('nope.yaml'), { code: 2, stderr: /cannot read .*nope.yaml/ });
});

t.test('the environment counts in a check as it does in the daemon', async (t) => {
  const dir = t.testdir({ 'tocsin.yaml': 'data_dir: ${BASE}/x\n' });
  const path = join(dir, 'tocsin.yaml');
  t.match(await runTool(['config', 'check', path]), {
    code: 1,
    stdout: /variable BASE is not set/,
  });
  t.match(await runTool(['config', 'check', path], { environment: { BASE: '/b' } }), { code: 0 });
  const environment = { BASE: '/b', TOCSIN_LISTEN_SQL: 'x' };
  t.match(await runTool(['config', 'check', path], { environment }), {
    code: 1,
    stdout: /^TOCSIN_LISTEN_SQL: listen.sql: expected host:port/,
  });
});

t.test('rules are checked without a daemon', async (t) => {
  const dir = t.testdir({
    'good.yaml': rules,
    'bad.yaml': rules.replace('p99 > 1 s', 'p98 > 1 s'),
  });
  const good = join(dir, 'good.yaml');
  const bad = join(dir, 'bad.yaml');
  t.match(await runTool(['rules', 'check', good]), {
    code: 0,
    stdout: /1 rule in 1 group of 1 file: good/,
  });
  const checked = await runTool(['rules', 'check', good, bad]);
  t.equal(checked.code, 1);
  t.match(checked.stdout, /bad.yaml:6:\d+ groups\[0\].rules\[0\].when: .*p98/);
  t.notMatch(checked.stdout, 'good.yaml');
  t.match(await runTool(['rules', 'check', join(dir, 'none.yaml')]), { code: 2 });
});

t.test('rules check warns of windows that are longer than what is usually kept', async (t) => {
  const rule = {
    alert: 'A',
    signals: { n: { from: 'logs', value: 'count()', over: '31d' } },
    when: 'n > 1',
  };
  const dir = t.testdir({ 'a.yaml': JSON.stringify({ groups: [{ name: 'g', rules: [rule] }] }) });
  t.match(await runTool(['rules', 'check', join(dir, 'a.yaml')]), {
    code: 0,
    stdout: /looks 31d back, but logs are kept for 30d only \(retention.logs\)/,
  });
});

t.test('routes test shows who is told and why', async (t) => {
  const dir = t.testdir({ 'a.yaml': alerting });
  const test = (labels: string, ...more: readonly string[]) =>
    runTool(['routes', 'test', '--alerting', join(dir, 'a.yaml'), '--labels', labels, ...more]);
  t.strictSame(await test('team=pay,severity=critical', '--escalation', 'payments'), {
    code: 0,
    stdout:
      'payments (webhook, log)\n' +
      '  because every alert > {team="pay"}\n' +
      'nobody (no channel: nobody is told)\n' +
      '  because every alert > {severity="critical"}\n' +
      'level 1 of payments, after 0s: payments\n' +
      'level 2 of payments, after 10m: everybody\n',
    stderr: '',
  });
  const json = await test('team="pay, then some"', '--json');
  t.strictSame(JSON.parse(json.stdout), {
    receivers: [{ receiver: 'everybody', channels: ['log'], because: ['{}'] }],
    escalation: null,
  });
  t.match(await test('severity=critical'), { code: 1, stdout: /nobody is told/ });
  t.match(await test('severity'), { code: 2, stderr: /expected name=value, not severity/ });
  t.match(await test('a=b', '--escalation', 'x'), { code: 1, stderr: /no escalation policy x/ });
  t.match(await runTool(['routes', 'test']), { code: 2, stderr: /--labels/ });
});
