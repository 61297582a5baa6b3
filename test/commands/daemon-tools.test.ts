import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { runTool } from '../support/cli.ts';
import { alertView, memoryBackend, startConsole } from '../support/console.ts';

t.test('alerts shows what is pending or firing, as a table on a terminal', async (t) => {
  const backend = memoryBackend();
  const nowMs = Date.now();
  backend.alerts = [
    alertView({
      firedAtMs: nowMs - 125_500,
      escalationLevel: 2,
      suppressed: [{ kind: 'silenced', by: 's1' }],
    }),
    alertView({
      id: 'p',
      phase: 'pending',
      activeAtMs: nowMs - 5_500,
      labels: { alertname: 'Cold' },
    }),
    alertView({ id: 'r', phase: 'resolved', resolvedAtMs: nowMs }),
  ];
  const url = await startConsole(t, backend);
  const { code, stdout } = await runTool(['alerts', '--url', url], { terminal: true, nowMs });
  t.equal(code, 0);
  t.strictSame(stdout.split('\n'), [
    'STATE    SEVERITY  ALERT  FOR   LABELS                                   VALUES   TOLD                     ID',
    'pending            Cold   5s                                             p99=0.8                           p',
    'firing   critical  Slow   2m5s  service_name=checkout severity=critical  p99=0.8  silenced by s1, level 2  f00d-1',
    '',
  ]);
  const words = ['alerts', 'service_name=checkout', '--state', 'firing', '--url', url];
  const piped = await runTool(words, { nowMs });
  t.equal(
    piped.stdout,
    'firing\tcritical\tSlow\t2m5s\tservice_name=checkout severity=critical\tp99=0.8\tsilenced by s1, level 2\tf00d-1\n',
  );
  const environment = { TOCSIN_URL: url };
  const json = await runTool(['alerts', '--json', '--state', 'resolved'], { environment });
  t.match(JSON.parse(json.stdout), { alerts: [{ id: 'r', state: 'resolved' }] });
});

t.test('labels cannot steer the terminal', async (t) => {
  const backend = memoryBackend();
  backend.alerts = [alertView({ labels: { alertname: 'A\u001b[2J', x: 'a\nb\u009b' } })];
  const url = await startConsole(t, backend);
  const { stdout } = await runTool(['alerts', '--url', url], { terminal: true });
  t.match(stdout, /A\?\[2J .*x=a\?b\?/);
});

t.test('a silence is added, listed and ended', async (t) => {
  const backend = memoryBackend();
  const url = await startConsole(t, backend);
  const environment = { USER: 'kim' };
  const add = [
    'silence',
    'add',
    'service_name=checkout',
    'severity!=""',
    '-d',
    '2h',
    '-c',
    'deploy',
  ];
  t.strictSame(await runTool([...add, '--url', url], { environment }), {
    code: 0,
    stdout: 's1\n',
    stderr: '',
  });
  t.match(backend.silences, [
    { by: 'kim', comment: 'deploy', matchers: [{ operator: '=' }, { operator: '!=' }] },
  ]);
  const listed = await runTool(['silence', 'list', '--url', url]);
  t.match(listed.stdout, /^active\t.*\tkim\tservice_name="checkout" severity!=""\tdeploy\ts1\n$/);
  const json = await runTool(['silence', 'list', '--json', '--url', url]);
  t.match(JSON.parse(json.stdout), { silences: [{ id: 's1', state: 'active' }] });
  t.match(await runTool(['silence', 'expire', 's1', '--url', url]), { code: 0, stdout: '' });
  t.strictSame(await runTool(['silence', 'expire', 's1', '--url', url]), {
    code: 1,
    stdout: '',
    stderr: 'tocsin: there is no silence s1\n',
  });
});

t.test("the daemon's refusal is told line by line", async (t) => {
  const url = await startConsole(t, memoryBackend());
  const bad = ['silence', 'add', 'nonsense', '-d', 'long', '--by', 'kim', '--url', url];
  t.strictSame(await runTool(bad), {
    code: 1,
    stdout: '',
    stderr:
      'tocsin: matchers[0]: expected a matcher such as service_name=checkout or severity=~"warning|critical"\n' +
      'duration: expected a duration such as 30m, 2h or 1d\n',
  });
});

t.test('taking an alert needs a name and an alert that is there', async (t) => {
  const backend = memoryBackend();
  backend.alerts = [alertView()];
  const url = await startConsole(t, backend);
  t.match(await runTool(['ack', 'f00d-1', '--url', url]), { code: 2, stderr: /say who you are/ });
  t.match(await runTool(['ack', 'f00d-1', '--by', 'kim', '--url', url]), {
    code: 0,
    stdout: "f00d-1 is kim's\n",
  });
  t.match(await runTool(['ack', 'nope', '--by', 'kim', '--url', url]), {
    code: 1,
    stderr: 'tocsin: there is no alert nope\n',
  });
  t.match(backend.acknowledgements, [{ alertId: 'f00d-1', by: 'kim' }]);
});

t.test('send-test shows each channel and fails when one was not reached', async (t) => {
  const url = await startConsole(t, memoryBackend());
  t.strictSame(await runTool(['send-test', 'ops', '--url', url]), {
    code: 1,
    stdout: 'email\tdelivered\t\t250 queued\nslack\trefused\tchannel_not_found\t{"ok":false}\n',
    stderr: '',
  });
  t.match(await runTool(['send-test', 'no/such one', '--url', url]), {
    code: 1,
    stderr: 'tocsin: there is no receiver no/such one\n',
  });
});

t.test('dead letters are listed, retried and dropped, one or all', async (t) => {
  const backend = memoryBackend();
  const letter = {
    atMs: Date.UTC(2026, 0, 5),
    receiver: 'ops',
    channel: 'slack',
    alertId: 'f00d-1',
    labels: { alertname: 'Slow', team: 'pay' },
    reason: 'channel_not_found',
    answer: 'no',
    attempts: 3,
  };
  backend.deadLetters = ['d1', 'd2', 'd3'].map((id) => ({ id, ...letter }));
  const url = await startConsole(t, backend);
  const listed = await runTool(['dead-letters', 'list', '--url', url]);
  t.match(
    listed.stdout,
    /^2026-01-05T00:00:00.000Z\tops\tslack\tSlow team=pay\tchannel_not_found\t3\tno\td1\n/,
  );
  t.match(await runTool(['dead-letters', 'retry', 'd2', '--url', url]), {
    code: 0,
    stdout: 'd2\n',
  });
  t.match(await runTool(['dead-letters', 'drop', '--url', url]), {
    code: 2,
    stderr: /give ids, or --all/,
  });
  t.match(await runTool(['dead-letters', 'drop', 'd1', '--all', '--url', url]), { code: 2 });
  t.match(await runTool(['dead-letters', 'drop', '--all', '--json', '--url', url]), {
    code: 0,
    stdout: /"d1",\s+"d3"/,
  });
  t.strictSame(backend.deadLetters, []);
});

t.test('what could not be stored is listed, retried and dropped with the rest', async (t) => {
  const backend = memoryBackend();
  const item = {
    kind: 'batch',
    atMs: Date.UTC(2026, 0, 5),
    signal: 'traces',
    requests: 2,
    items: 30,
    bytes: 4_096,
    code: 'ERR_INSERT_REFUSED',
    reason: 'TYPE_MISMATCH',
    retryable: true,
    file: 'journal/0/rejected/n.segment',
  } as const;
  const damage = { kind: 'damage', signal: undefined, retryable: false } as const;
  backend.setAside = [
    { ...item, id: 'aside-1' },
    { ...item, ...damage, id: 'aside-2', requests: undefined, items: undefined },
    { ...item, id: 'aside-3' },
  ];
  const url = await startConsole(t, backend);
  const listed = await runTool(['dead-letters', 'list', '--url', url]);
  t.strictSame(listed.stdout.split('\n').slice(0, 2), [
    '2026-01-05T00:00:00.000Z\tbatch\ttraces\t2\t30\t4096\tERR_INSERT_REFUSED TYPE_MISMATCH\tjournal/0/rejected/n.segment\taside-1',
    '2026-01-05T00:00:00.000Z\tdamage\t\t\t\t4096\tERR_INSERT_REFUSED TYPE_MISMATCH\tjournal/0/rejected/n.segment\taside-2',
  ]);
  const json = await runTool(['dead-letters', 'list', '--json', '--url', url]);
  t.match(JSON.parse(json.stdout), {
    dead_letters: [],
    set_aside: [
      { id: 'aside-1', items: 30 },
      { signal: null, requests: null, retryable: false },
    ],
  });
  // What cannot be retried does not keep the others from it.
  t.strictSame(await runTool(['dead-letters', 'retry', 'aside-2', 'aside-3', '--url', url]), {
    code: 1,
    stdout: 'aside-3\n',
    stderr: 'tocsin: nothing in journal/0/rejected/n.segment can be stored\n',
  });
  const all = await runTool(['dead-letters', 'retry', '--all', '--json', '--url', url]);
  t.strictSame(JSON.parse(all.stdout), { ids: ['aside-1'], failed: [] });
  t.match(await runTool(['dead-letters', 'drop', 'aside-2', '--url', url]), { code: 0 });
  t.match(await runTool(['dead-letters', 'drop', 'aside-2', '--url', url]), {
    code: 1,
    stderr: 'tocsin: there is no dead letter aside-2\n',
  });
  t.strictSame(backend.setAside, []);
});

t.test(
  'a daemon that is not there, or is something else, is told from one that refuses',
  async (t) => {
    const other = createServer((_request, response) => response.end('<html>hello</html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    t.match(await runTool(['alerts', '--url', url]), {
      code: 1,
      stderr: `tocsin: ${url} answered 200 with something that is not Tocsin's API\n`,
    });
    await new Promise((resolve) => other.close(resolve));
    t.match(await runTool(['alerts', '--url', url]), {
      code: 1,
      stderr: `tocsin: no daemon answers at ${url}: start it, or name another with --url\n`,
    });
    t.match(await runTool(['alerts', '--url', 'nowhere']), {
      code: 1,
      stderr: /cannot send a request/,
    });
  },
);

t.test('every command has help, and wrong usage ends with 2', async (t) => {
  const commands = [
    'config check',
    'rules check',
    'routes test',
    'alerts',
    'silence add',
    'silence list',
    'silence expire',
    'ack',
    'send-test',
    'dead-letters list',
    'dead-letters retry',
    'dead-letters drop',
  ];
  for (const command of commands) {
    const help = await runTool([...command.split(' '), '--help']);
    t.match(help, { code: 0, stdout: /^Usage: tocsin/ }, command);
    t.match(help.stdout, '--json', command);
    t.match(
      await runTool([...command.split(' '), '--nope']),
      { code: 2, stderr: /^error: / },
      command,
    );
  }
  t.match(await runTool(['silence', 'add']), { code: 2, stderr: /missing required argument/ });
  t.match(await runTool(['alerts', '--state', 'loud']), { code: 2, stderr: /Allowed choices/ });
});
