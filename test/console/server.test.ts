import { request } from 'node:http';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { type Log, silentLog } from '../../src/lib/log.ts';
import { alertView, memoryBackend, startConsole } from '../support/console.ts';

const post = (url: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const answer = async (response: Response) => ({
  status: response.status,
  body: await response.json(),
});

/** With any `host` header, which fetch does not allow. */
const statusWithHost = (url: string, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject).end();
  });

t.test('ready and live tell each dependency; only ready depends on them', async (t) => {
  const backend = memoryBackend();
  const url = await startConsole(t, backend);
  t.strictSame(await answer(await fetch(`${url}/health/ready`)), {
    status: 200,
    body: {
      status: 'ready',
      dependencies: { clickhouse: { state: 'up' }, redis: { state: 'up' } },
    },
  });
  const down = { redis: { state: 'down', detail: 'connection refused' } } as const;
  backend.dependencies = async () => down;
  t.strictSame(await answer(await fetch(`${url}/health/ready`)), {
    status: 503,
    body: { status: 'not-ready', dependencies: down },
  });
  t.strictSame(await answer(await fetch(`${url}/health/live`)), {
    status: 200,
    body: { status: 'live', dependencies: down },
  });
  t.equal((await fetch(`${url}/-/ready`)).status, 503);
  t.equal((await fetch(`${url}/-/healthy`)).status, 200);
});

t.test('a dependency that hangs or throws makes the daemon not ready, in time', async (t) => {
  const backend = memoryBackend();
  const clock = {
    ...systemClock,
    after: (delayMs: number, action: () => void) => systemClock.after(delayMs / 100, action),
  };
  const url = await startConsole(t, backend, { clock });
  backend.dependencies = () => new Promise(() => {});
  t.match(await answer(await fetch(`${url}/health/ready`)), {
    status: 503,
    body: { dependencies: { dependencies: { state: 'down', detail: /did not answer/ } } },
  });
  backend.dependencies = () => Promise.reject(new Error('boom'));
  t.match(await answer(await fetch(`${url}/health/ready`)), {
    status: 503,
    body: { dependencies: { dependencies: { detail: 'boom' } } },
  });
});

t.test('metrics are Prometheus text', async (t) => {
  const url = await startConsole(t, memoryBackend());
  const response = await fetch(`${url}/metrics`);
  t.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  t.match(await response.text(), /^tocsin_build_info 1$/m);
});

t.test('status has the shape that tools rely on', async (t) => {
  const url = await startConsole(t, memoryBackend());
  t.strictSame(await answer(await fetch(`${url}/api/v1/status`)), {
    status: 200,
    body: {
      version: '1.2.3',
      instance: 'here-1',
      roles: ['ingest', 'console'],
      listen: { otlp_http: '127.0.0.1:4318' },
      started_at: '2026-01-05T00:00:00.000Z',
      dependencies: { clickhouse: { state: 'up' }, redis: { state: 'up' } },
    },
  });
});

t.test('an alert has the shape that tools rely on', async (t) => {
  const backend = memoryBackend();
  backend.alerts = [
    alertView({
      suppressed: [{ kind: 'silenced', by: 's1' }],
      acknowledged: { alertId: 'f00d-1', by: 'kim', atMs: Date.UTC(2026, 0, 5, 9, 3) },
      escalation: 'payments',
      escalationLevel: 2,
    }),
  ];
  const url = await startConsole(t, backend);
  t.strictSame(await answer(await fetch(`${url}/api/v1/alerts`)), {
    status: 200,
    body: {
      alerts: [
        {
          id: 'f00d-1',
          fingerprint: 'f00d',
          rule: 'shop.yaml/checkout/Slow',
          labels: { alertname: 'Slow', service_name: 'checkout', severity: 'critical' },
          annotations: { summary: 'p99 is 800 ms' },
          state: 'firing',
          since: '2026-01-05T09:02:00.000Z',
          active_at: '2026-01-05T09:00:00.000Z',
          values: { p99: 0.8 },
          units: { p99: 's' },
          severity: 'critical',
          suppressed: [{ kind: 'silenced', by: 's1' }],
          acknowledged: { by: 'kim', at: '2026-01-05T09:03:00.000Z' },
          escalation: 'payments',
          escalation_level: 2,
          generator_url: null,
        },
      ],
    },
  });
});

t.test('alerts are filtered by state and by matchers that must all hold', async (t) => {
  const backend = memoryBackend();
  const at = (minute: number) => Date.UTC(2026, 0, 5, 9, minute);
  backend.alerts = [
    alertView({ id: 'a', phase: 'firing', firedAtMs: at(1) }),
    alertView({ id: 'b', phase: 'pending', activeAtMs: at(3), labels: { service_name: 'cart' } }),
    alertView({ id: 'c', phase: 'resolved', resolvedAtMs: at(2), labels: { service_name: 'pay' } }),
  ];
  const url = await startConsole(t, backend);
  // biome-ignore format: one case per line.
  const table: readonly (readonly [query: string, ids: readonly string[]])[] = [
    ['',                                                        ['b', 'c', 'a']],
    ['state=firing',                                            ['a']],
    ['state=firing&state=pending',                              ['b', 'a']],
    ['matcher=service_name%3Dcart',                             ['b']],
    ['matcher=service_name%3D~%22c.*%22',                       ['b', 'a']],
    ['matcher=service_name%3D~%22c.*%22&matcher=severity!%3D',  ['a']],
    ['matcher=service_name%3Dcart&state=firing',                []],
  ];
  for (const [query, ids] of table) {
    const { body } = await answer(await fetch(`${url}/api/v1/alerts?${query}`));
    const { alerts } = body as { alerts: { id: string }[] };
    t.strictSame(
      alerts.map((it) => it.id),
      ids,
      query,
    );
  }
});

t.test('a silence is added by duration or end, listed, shown and ended', async (t) => {
  const backend = memoryBackend();
  const url = `${await startConsole(t, backend)}/api/v1/silences`;
  const matchers = ['service_name=checkout', 'severity=~"warning|critical"'];
  const before = Date.now();
  const added = await answer(await post(url, { matchers, duration: '1h', by: 'kim' }));
  t.strictSame(added, { status: 200, body: { id: 's1' } });
  t.match(backend.silences, [
    {
      matchers: [
        { name: 'service_name', operator: '=', value: 'checkout' },
        { name: 'severity', operator: '=~', value: 'warning|critical' },
      ],
      by: 'kim',
      comment: '',
    },
  ]);
  const [stored] = backend.silences;
  t.equal((stored?.endsAtMs ?? 0) - (stored?.startsAtMs ?? 0), 3_600_000);
  t.ok((stored?.startsAtMs ?? 0) >= before);

  const later = { starts_at: '2999-01-01T00:00:00Z', ends_at: '2999-01-01T02:00:00+01:00' };
  await post(url, { matchers, ...later, by: 'kim', comment: 'works' });
  const { body } = await answer(await fetch(url));
  t.match(body, {
    silences: [
      {
        id: 's1',
        state: 'active',
        matchers: ['service_name="checkout"', 'severity=~"warning|critical"'],
      },
      { id: 's2', state: 'pending', ends_at: '2999-01-01T01:00:00.000Z', comment: 'works' },
    ],
  });
  t.match(await answer(await fetch(`${url}/s2`)), { status: 200, body: { id: 's2', by: 'kim' } });
  t.strictSame(await answer(await fetch(`${url}/s2`, { method: 'DELETE' })), {
    status: 200,
    body: { id: 's2' },
  });
  t.match(await answer(await fetch(`${url}/s2`)), {
    status: 404,
    body: {
      error: { code: 'ERR_SILENCE_UNKNOWN', message: 'there is no silence s2', details: [] },
    },
  });
});

const valid = { matchers: ['a=b'], duration: '1h', by: 'kim' };
// biome-ignore format: one case per line.
const badSilences: readonly (readonly [name: string, body: unknown, details: readonly object[], code?: string])[] = [
  ['nothing',                      {},                                          [{ at: 'matchers' }, { at: 'by' }]],
  ['no matchers',                  { ...valid, matchers: [] },                  [{ at: 'matchers' }]],
  ['a matcher that is none',       { ...valid, matchers: ['a=b', 'c'] },        [{ at: 'matchers[1]', message: /expected a matcher/ }]],
  ['a pattern that is none',       { ...valid, matchers: ['a=~"("'] },          [{ at: 'matchers[0]' }]],
  ['matchers that hold everything', { ...valid, matchers: ['a=~".*"', 'b!=c'] }, [{ at: 'matchers', message: /everything would be silenced/ }]],
  ['two ends',                     { ...valid, ends_at: '2999-01-01T00:00:00Z' }, [{ at: 'duration', message: 'give either duration or ends_at' }]],
  ['no end',                       { ...valid, duration: undefined },           [{ at: 'duration' }]],
  ['a duration that is none',      { ...valid, duration: 'long' },              [{ at: 'duration', message: /30m, 2h or 1d/ }]],
  ['an end without a time',        { ...valid, duration: undefined, ends_at: 'tomorrow' }, [{ at: 'ends_at' }]],
  ['nobody',                       { ...valid, by: ' ' },                       [{ at: 'by' }]],
  ['a key that is not there',      { ...valid, durration: '1h' },               [{ at: '', message: /durration/ }]],
  ['an end in the past',           { ...valid, duration: undefined, ends_at: '2001-01-01T00:00:00Z' }, [], 'ERR_SILENCE_OVER'],
  ['a list',                       [],                                          [{ at: '' }]],
];

for (const [name, body, details, code = 'ERR_REQUEST_INVALID'] of badSilences) {
  t.test(`a silence with ${name} is refused and says where`, async (t) => {
    const backend = memoryBackend();
    const url = await startConsole(t, backend);
    const refused = await answer(await post(`${url}/api/v1/silences`, body));
    t.match(refused, { status: 400, body: { error: { code, details } } });
    const { error } = refused.body as { error: { message: string; details: unknown[] } };
    t.equal(error.details.length, details.length, JSON.stringify(error));
    t.ok(error.message.length > 0);
    t.strictSame(backend.silences, []);
  });
}

t.test('taking an alert stops at one that is not there', async (t) => {
  const backend = memoryBackend();
  backend.alerts = [alertView()];
  const url = `${await startConsole(t, backend)}/api/v1/acknowledgements`;
  t.match(await answer(await post(url, { alert: 'nope', by: 'kim' })), {
    status: 404,
    body: { error: { code: 'ERR_ALERT_UNKNOWN', message: 'there is no alert nope', details: [] } },
  });
  const taken = { alert: 'f00d-1', by: 'kim', at: '2026-01-05T10:00:00.000Z' };
  t.strictSame(await answer(await post(url, { alert: 'f00d-1', by: 'kim' })), {
    status: 200,
    body: taken,
  });
  t.strictSame(await answer(await fetch(url)), {
    status: 200,
    body: { acknowledgements: [taken] },
  });
});

t.test('a test notification says what became of it on every channel', async (t) => {
  const url = await startConsole(t, memoryBackend());
  const test = (name: string) => fetch(`${url}/api/v1/receivers/${name}/test`, { method: 'POST' });
  t.strictSame(await answer(await test('ops')), {
    status: 200,
    body: {
      deliveries: [
        { channel: 'email', index: 0, outcome: 'delivered', reason: null, answer: '250 queued' },
        {
          channel: 'slack',
          index: 1,
          outcome: 'refused',
          reason: 'channel_not_found',
          answer: '{"ok":false}',
        },
      ],
    },
  });
  t.match(await answer(await test('nope')), {
    status: 404,
    body: { error: { code: 'ERR_RECEIVER_UNKNOWN' } },
  });
});

t.test('dead letters are listed, retried and dropped', async (t) => {
  const backend = memoryBackend();
  const letter = {
    atMs: Date.UTC(2026, 0, 5),
    receiver: 'ops',
    channel: 'slack',
    alertId: 'f00d-1',
    labels: { alertname: 'Slow' },
    reason: 'channel_not_found',
    answer: '{"ok":false}',
    attempts: 3,
  };
  backend.deadLetters = [
    { id: 'd1', ...letter },
    { id: 'd2', ...letter },
  ];
  const url = `${await startConsole(t, backend)}/api/v1/dead-letters`;
  t.match(await answer(await fetch(url)), {
    body: {
      dead_letters: [{ id: 'd1', at: '2026-01-05T00:00:00.000Z', attempts: 3 }, { id: 'd2' }],
    },
  });
  t.equal((await fetch(`${url}/d1/retry`, { method: 'POST' })).status, 200);
  t.equal((await fetch(`${url}/d2`, { method: 'DELETE' })).status, 200);
  t.match(await answer(await fetch(`${url}/d2`, { method: 'DELETE' })), {
    status: 404,
    body: { error: { code: 'ERR_DEAD_LETTER_UNKNOWN' } },
  });
});

t.test('a reload that finds problems changes nothing and lists them', async (t) => {
  const backend = memoryBackend();
  backend.reload = async () => ({ ok: false, problems: ['tocsin.yaml:1:1 listn: unknown key'] });
  const url = `${await startConsole(t, backend)}/-/reload`;
  t.match(await answer(await fetch(url, { method: 'POST' })), {
    status: 400,
    body: {
      error: {
        code: 'ERR_CONFIG_INVALID',
        details: [{ at: '', message: 'tocsin.yaml:1:1 listn: unknown key' }],
      },
    },
  });
  backend.reload = async () => ({ ok: true, warnings: ['templates: not applied yet'] });
  t.strictSame(await answer(await fetch(url, { method: 'POST' })), {
    status: 200,
    body: { reloaded: true, warnings: ['templates: not applied yet'] },
  });
});

t.test('every failure has the same shape', async (t) => {
  const backend = memoryBackend();
  const events: unknown[] = [];
  const log: Log = { ...silentLog, error: (event, fields) => events.push({ event, ...fields }) };
  const url = await startConsole(t, backend, { log });
  const silences = `${url}/api/v1/silences`;
  const plain = { 'content-type': 'text/plain' };
  // biome-ignore format: one case per line.
  const table: readonly (readonly [name: string, response: Promise<Response>, status: number, code: string])[] = [
    ['an unknown path',      fetch(`${url}/api/v1/nope`),                       404, 'ERR_PATH_UNKNOWN'],
    ['a wrong method',       fetch(silences, { method: 'PUT' }),                404, 'ERR_PATH_UNKNOWN'],
    ['broken JSON',          post(silences, '{'),                               400, 'ERR_REQUEST_INVALID'],
    ['no JSON',              post(silences, 'a=b', plain),                      415, 'ERR_CONTENT_TYPE'],
    ['a huge body',          post(silences, `{"a":"${'x'.repeat(70_000)}"}`),   413, 'ERR_BODY_TOO_LARGE'],
    ['an empty body',        post(silences, ''),                                400, 'ERR_REQUEST_INVALID'],
    ['a poisoned prototype', post(silences, '{"__proto__":{"a":1}}'),           400, 'ERR_REQUEST_INVALID'],
    ['an unknown filter',    fetch(`${url}/api/v1/alerts?stat=firing`),         400, 'ERR_REQUEST_INVALID'],
    ['an unknown state',     fetch(`${url}/api/v1/alerts?state=quiet`),         400, 'ERR_REQUEST_INVALID'],
    ['a broken matcher',     fetch(`${url}/api/v1/alerts?matcher=x`),           400, 'ERR_REQUEST_INVALID'],
    ['a broken URL',         fetch(`${url}/api/v1/silences/%`),                 400, 'ERR_REQUEST_INVALID'],
  ];
  for (const [name, response, status, code] of table) {
    const { body, ...refused } = await answer(await response);
    t.equal(refused.status, status, name);
    t.match(body, { error: { code, message: String, details: Array } }, name);
  }
  t.strictSame(events, []);

  backend.dependencies = () => {
    throw new Error('a secret inside');
  };
  const { status, body } = await answer(await fetch(`${url}/api/v1/status`));
  t.equal(status, 500);
  t.match(body, { error: { code: 'ERR_INTERNAL', message: /as request req-/ } });
  t.notMatch(JSON.stringify(body), 'secret');
  t.match(events, [{ event: 'console_request_failed', path: '/api/v1/status', error: Error }]);

  backend.dependencies = () =>
    Promise.reject(
      new Fault('ERR_QUERY_FAILED', 'engine away', { remedy: 'retry', retryAfterMs: 1_500 }),
    );
  const later = await fetch(`${url}/api/v1/status`);
  t.equal(later.headers.get('retry-after'), '2');
  t.match(await answer(later), { status: 503, body: { error: { code: 'ERR_QUERY_FAILED' } } });
});

t.test(
  'pages of other sites can neither change anything nor read through another name',
  async (t) => {
    const backend = memoryBackend();
    const url = await startConsole(t, backend, { externalUrl: 'https://alerts.example.com' });
    const silences = `${url}/api/v1/silences`;
    const { host } = new URL(url);
    // biome-ignore format: one case per line.
    const table: readonly (readonly [name: string, headers: Record<string, string>, status: number])[] = [
    ['curl',                        {},                                            200],
    ['our own page',                { origin: `http://${host}` },                  200],
    ['our page behind a proxy',     { origin: 'https://alerts.example.com' },      200],
    ['another site',                { origin: 'https://evil.example' },            403],
    ['a sandboxed frame',           { origin: 'null' },                            403],
    ['a cross-site request',        { 'sec-fetch-site': 'cross-site' },            403],
  ];
    for (const [name, headers, status] of table) {
      t.equal((await post(silences, valid, headers)).status, status, name);
    }
    t.equal(await statusWithHost(`${url}/api/v1/alerts`, 'evil.example'), 403);
    t.equal(await statusWithHost(`${url}/`, 'evil.example:9900'), 403);
    t.equal(await statusWithHost(`${url}/health/ready`, 'localhost:9900'), 200);
    t.equal(await statusWithHost(`${url}/health/ready`, 'alerts.example.com'), 200);
  },
);

t.test('the page is static, and nothing but its own files may run in it', async (t) => {
  const url = await startConsole(t, memoryBackend());
  const page = await fetch(url);
  const html = await page.text();
  t.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  t.match(page.headers.get('content-security-policy'), /default-src 'none'; script-src 'self'/);
  t.equal(page.headers.get('x-content-type-options'), 'nosniff');
  t.notMatch(html, /<script(?![^>]*src=)|<style|\son\w+=/);
  for (const [, path = ''] of html.matchAll(/(?:src|href)="(\/[^"]*)"/g)) {
    t.equal((await fetch(url + path)).status, 200, path);
  }
  const script = await (await fetch(`${url}/console.js`)).text();
  t.notMatch(script, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/);
});

t.test('a port in use is named with its key', async (t) => {
  const url = await startConsole(t, memoryBackend());
  const port = Number(new URL(url).port);
  await t.rejects(startConsole(t, memoryBackend(), { listen: { host: '127.0.0.1', port } }), {
    name: 'Fault',
    code: 'ERR_PORT_IN_USE',
    message: `127.0.0.1:${port} (listen.console) is in use by another program`,
  });
});
