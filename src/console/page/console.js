// The page of the console: asks the API every few seconds and shows what it says. Text reaches the
// document only as text nodes, so nothing that telemetry carries can become markup.

const refreshMs = 5_000;
const place = (id) => document.getElementById(id);
const by = place('by');
by.value = localStorage.getItem('by') ?? '';
by.addEventListener('change', () => localStorage.setItem('by', by.value.trim()));

/** Links in messages name an alert, those in alerts their rule. */
const asked = new URLSearchParams(location.search);
const wanted = { alert: asked.get('alert'), rule: asked.get('rule') };

const element = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'click') made.addEventListener('click', value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
};

const ask = async (path, options = {}) => {
  const headers = options.body ? { 'content-type': 'application/json' } : {};
  const response = await fetch(path, { ...options, headers });
  const answer = await response.json();
  if (response.ok) return answer;
  const message = answer.error?.message ?? `the console answered ${response.status}`;
  throw Object.assign(new Error(message), { status: response.status });
};

const show = (error) => {
  place('failure').hidden = !error;
  place('failure').textContent = error ? String(error.message ?? error) : '';
};

const act = async (work) => {
  if (by.value.trim() === '') {
    by.focus();
    show('Say who you are first, so that others know who did this.');
    return;
  }
  try {
    await work(by.value.trim());
    await refresh();
  } catch (error) {
    show(error);
  }
};

const acknowledge = (alert) =>
  act((name) =>
    ask('/api/v1/acknowledgements', {
      method: 'POST',
      body: JSON.stringify({ alert: alert.id, by: name }),
    }),
  );

const silence = (alert) => {
  const duration = prompt('Silence alerts with exactly these labels for how long?', '1h');
  if (!duration) return undefined;
  const quoted = (text) =>
    text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const matchers = Object.entries(alert.labels).map(([key, value]) => `${key}="${quoted(value)}"`);
  const comment = `from the console, for ${alert.labels.alertname ?? 'an alert'}`;
  return act((name) =>
    ask('/api/v1/silences', {
      method: 'POST',
      body: JSON.stringify({ matchers, duration, by: name, comment }),
    }),
  );
};

const expire = (id) =>
  act(() => ask(`/api/v1/silences/${encodeURIComponent(id)}`, { method: 'DELETE' }));

const time = (iso) =>
  element('time', { datetime: iso, title: iso }, new Date(iso).toLocaleString());

/** `812 ms`, `93.1 %`, `1.5 MiB`, `12/s`: the API's values are in base units. */
const human = (value, unit) => {
  const digits = (it) => (Math.abs(it) >= 1_000 ? Math.round(it) : Number(it.toPrecision(4)));
  const size = Math.abs(value);
  if (unit === '1') return `${digits(value * 100)} %`;
  if (unit === 's' && size > 0 && size < 0.001) return `${digits(value * 1e6)} µs`;
  if (unit === 's' && size < 1) return `${digits(value * 1e3)} ms`;
  if (unit === 'By') {
    const power = size < 1 ? 0 : Math.min(4, Math.floor(Math.log2(size) / 10));
    return `${digits(value / 1024 ** power)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
  }
  return `${digits(value)}${unit && !unit.startsWith('/') ? ' ' : ''}${unit ?? ''}`;
};

const labelSpans = (labels) =>
  Object.entries(labels)
    .filter(([key]) => key !== 'alertname')
    .map(([key, value]) => element('span', {}, `${key}=${value}`));

const linksOf = (annotations) =>
  Object.entries(annotations)
    .filter(([key, url]) => key.endsWith('_url') && /^https?:\/\//.test(url))
    .map(([key, url]) =>
      element('div', {}, element('a', { href: url, rel: 'noreferrer' }, key.slice(0, -4))),
    );

/** `4 min`: how long something lasts already. */
const age = (iso) => {
  const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1_000);
  const [size, unit] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [0, 's'],
  ].find(([it]) => seconds >= it);
  return `${Math.floor(seconds / (size || 1))} ${unit}`;
};

const heldText = ({ kind, by: cause }, silences) => {
  const known = silences.find((it) => it.id === cause);
  if (!known) return `${kind} by ${cause}`;
  return `${kind} by ${known.by} until ${new Date(known.ends_at).toLocaleString()}`;
};

const toldText = (alert, silences) => {
  const held = alert.suppressed.map((it) => heldText(it, silences));
  const taken = alert.acknowledged ? [`taken by ${alert.acknowledged.by}`] : [];
  const level = alert.escalation_level > 0 ? [`escalation level ${alert.escalation_level}`] : [];
  return [...held, ...taken, ...level].join(', ');
};

const severityText = (state, severity) => (severity ? `${state} · ${severity}` : state);

const mild = ['info', 'notice', 'ticket', 'warning'];
const colourOf = ({ state, severity }) =>
  state === 'firing' && mild.includes(severity) ? 'pending' : state;

const alertRow = (alert, silences) =>
  element(
    'tr',
    alert.id === wanted.alert ? { class: 'wanted' } : {},
    element('td', { class: `state ${colourOf(alert)}` }, severityText(alert.state, alert.severity)),
    element(
      'td',
      {},
      element('strong', {}, alert.labels.alertname ?? alert.rule),
      element('div', {}, alert.annotations.summary ?? ''),
      ...linksOf(alert.annotations),
      element('div', { class: 'labels' }, ...labelSpans(alert.labels)),
    ),
    element(
      'td',
      { class: 'values' },
      ...Object.entries(alert.values).map(([name, value]) =>
        element('span', {}, `${name} ${human(value, alert.units[name])}`),
      ),
    ),
    element('td', {}, time(alert.since), element('div', { class: 'quiet' }, age(alert.since))),
    element('td', {}, toldText(alert, silences)),
    element(
      'td',
      { class: 'actions' },
      ...(alert.state === 'firing' && !alert.acknowledged
        ? [element('button', { click: () => acknowledge(alert) }, 'Acknowledge'), ' ']
        : []),
      ...(alert.state === 'resolved'
        ? []
        : [element('button', { click: () => silence(alert) }, 'Silence')]),
    ),
  );

const silenceRow = (it) =>
  element(
    'tr',
    {},
    element('td', { class: `state ${it.state}` }, it.state),
    element('td', { class: 'labels' }, ...it.matchers.map((text) => element('span', {}, text))),
    element('td', {}, time(it.ends_at)),
    element('td', {}, it.by),
    element('td', {}, it.comment),
    element('td', { class: 'actions' }, element('button', { click: () => expire(it.id) }, 'End')),
  );

const messageRow = (it) =>
  element(
    'tr',
    {},
    element('td', { class: `state ${it.outcome}` }, it.outcome),
    element(
      'td',
      {},
      element('a', { href: `/?alert=${encodeURIComponent(it.alert)}` }, it.alertname || it.alert),
      it.reason === it.kind ? ` ${it.kind}` : ` ${it.kind}: ${it.reason}`,
    ),
    element(
      'td',
      {},
      [...new Set([it.receiver, it.channel, it.destination])].filter(Boolean).join(' · '),
    ),
    element('td', {}, time(it.at)),
    element('td', { class: 'labels' }, it.answer),
  );

const ruleRow = (it) =>
  element(
    'tr',
    it.id === wanted.rule ? { class: 'wanted' } : {},
    element('td', { class: `state ${it.health}` }, it.health === 'unknown' ? 'waits' : it.health),
    element(
      'td',
      {},
      element('strong', {}, it.name),
      element('span', { class: 'quiet' }, ` in ${it.group}`),
      element('div', { class: 'error' }, it.last_error ?? ''),
    ),
    element('td', {}, ...(it.last_evaluated_at ? [time(it.last_evaluated_at)] : ['not yet'])),
    element('td', {}, it.last_duration_ms === null ? '' : `${it.last_duration_ms} ms`),
  );

/** What listens on every address is reached by the name that the browser used. */
const reachable = (address) => address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, location.hostname);

const doorsOf = ({ otlp_http: http, otlp_grpc: grpc, sql }) => [
  ...(http
    ? [
        ['OTLP/HTTP', `http://${reachable(http)}`],
        ['for an SDK', `OTEL_EXPORTER_OTLP_ENDPOINT=http://${reachable(http)}`],
      ]
    : []),
  ...(grpc ? [['OTLP/gRPC', reachable(grpc)]] : []),
  ...(sql ? [['SQL', `http://${reachable(sql)}`]] : []),
];

const fill = (id, rows) => {
  place(id).replaceChildren(...rows);
  place(`no-${id}`).hidden = rows.length > 0;
};

const historyOf = ({ changes, messages }) =>
  [
    ...changes.map(({ at, change, severity, reason }) => ({
      at,
      text: `${severityText(change, severity)} (${reason})`,
    })),
    ...messages.map(({ at, kind, outcome, receiver, answer }) => ({
      at,
      text: `${kind} to ${receiver || 'nobody'}: ${outcome}${answer ? `, ${answer}` : ''}`,
    })),
  ].toSorted((a, b) => (a.at < b.at ? -1 : 1));

/** The alert that a message led to, also when it is over. */
const showOne = async (id) => {
  const one = await ask(`/api/v1/alerts/${encodeURIComponent(id)}`).catch((error) => {
    if (error.status !== 404) throw error;
  });
  place('one').hidden = false;
  const name = one?.labels.alertname ?? id;
  place('one-title').textContent = one?.live ? `${name} is ${one.state}` : `${name} is over`;
  const ended = one && `It was ${one.state} at `;
  place('one-text').replaceChildren(
    ...(one?.live ? ['Since ', time(one.since), '. ', one.annotations.summary ?? ''] : []),
    ...(one && !one.live ? [ended, time(one.since), '. ', one.annotations.summary ?? ''] : []),
    ...(one ? [] : ['It is not firing, and nothing is written down of it.']),
  );
  place('one-labels').replaceChildren(...labelSpans(one?.labels ?? {}));
  place('one-history').replaceChildren(
    ...(one ? historyOf(one) : []).map((it) => element('li', {}, time(it.at), ` ${it.text}`)),
  );
};

const showStatus = (status, alerts, rules) => {
  const firing = alerts.filter((it) => it.state === 'firing').length;
  const failing = rules.filter((it) => it.health === 'error').length;
  const down = Object.entries(status.dependencies).filter(([, it]) => it.state !== 'up');
  place('status').textContent = [
    status.version,
    `${firing} firing`,
    failing > 0 ? `${failing} of ${rules.length} rules fail` : `${rules.length} rules`,
    ...down.map(([name, it]) => `${name} ${it.state}`),
  ].join(' · ');
  document.title = firing > 0 ? `(${firing}) Tocsin` : 'Tocsin';
  const doors = doorsOf(status.listen);
  fill(
    'doors',
    doors.flatMap(([name, text]) => [
      element('dt', {}, name),
      element('dd', {}, element('code', {}, text)),
    ]),
  );
};

const sorted = (items, key, order) =>
  items.toSorted((a, b) => order.indexOf(a[key]) - order.indexOf(b[key]));

const refresh = async () => {
  // What is told of late comes from ClickHouse, without which the rest is worth seeing all the more.
  const unread = [];
  const lately = ask('/api/v1/messages').catch((error) => {
    unread.push(`what was told of late: ${error.message}`);
    return { messages: [] };
  });
  const [status, { alerts }, { silences }, { rules }, { messages }] = await Promise.all([
    ask('/api/v1/status'),
    ask('/api/v1/alerts'),
    ask('/api/v1/silences'),
    ask('/api/v1/rules'),
    lately,
  ]);
  showStatus(status, alerts, rules);
  fill(
    'alerts',
    sorted(alerts, 'state', ['firing', 'pending', 'resolved']).map((it) => alertRow(it, silences)),
  );
  fill('silences', silences.filter((it) => it.state !== 'expired').map(silenceRow));
  fill('messages', messages.map(messageRow));
  fill('rules', sorted(rules, 'health', ['error', 'unknown', 'ok']).map(ruleRow));
  if (wanted.alert) {
    await showOne(wanted.alert).catch((error) => unread.push(`this alert: ${error.message}`));
  }
  show(unread.length > 0 ? `Could not read ${unread.join('; ')}` : undefined);
};

const loop = async () => {
  try {
    if (!document.hidden) await refresh();
  } catch (error) {
    show(error);
  }
  setTimeout(loop, refreshMs);
};

await loop();
document.querySelector('.wanted')?.scrollIntoView({ block: 'center' });
