// The page of the console: asks the API every few seconds and shows what it says. Text reaches the
// document only as text nodes, so nothing that telemetry carries can become markup.

const refreshMs = 5_000;
const place = (id) => document.getElementById(id);
const by = place('by');
by.value = localStorage.getItem('by') ?? '';
by.addEventListener('change', () => localStorage.setItem('by', by.value.trim()));

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
  if (!response.ok)
    throw new Error(answer.error?.message ?? `the console answered ${response.status}`);
  return answer;
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

const labelsText = (labels) =>
  Object.entries(labels)
    .filter(([key]) => key !== 'alertname')
    .map(([key, value]) => `${key}=${value}`)
    .join('  ');

const toldText = (alert) => {
  const held = alert.suppressed.map((it) => `${it.kind} by ${it.by}`);
  const taken = alert.acknowledged ? [`taken by ${alert.acknowledged.by}`] : [];
  const level = alert.escalation_level > 0 ? [`escalation level ${alert.escalation_level}`] : [];
  return [...held, ...taken, ...level].join(', ');
};

const alertRow = (alert) =>
  element(
    'tr',
    {},
    element(
      'td',
      { class: `state ${alert.state}` },
      alert.severity ? `${alert.state} · ${alert.severity}` : alert.state,
    ),
    element(
      'td',
      {},
      element('strong', {}, alert.labels.alertname ?? alert.rule),
      element('div', {}, alert.annotations.summary ?? ''),
      element('div', { class: 'labels' }, labelsText(alert.labels)),
    ),
    element(
      'td',
      { class: 'labels' },
      Object.entries(alert.values)
        .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
        .join('  '),
    ),
    element('td', {}, time(alert.since)),
    element('td', {}, toldText(alert)),
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
    element('td', { class: 'labels' }, it.matchers.join('  ')),
    element('td', {}, time(it.ends_at)),
    element('td', {}, it.by),
    element('td', {}, it.comment),
    element('td', { class: 'actions' }, element('button', { click: () => expire(it.id) }, 'End')),
  );

const ruleItem = (it) =>
  element('li', {}, element('strong', {}, it.name), ` in ${it.group}: ${it.last_error ?? ''}`);

const fill = (id, rows) => {
  place(id).replaceChildren(...rows);
  place(`no-${id}`).hidden = rows.length > 0;
};

const refresh = async () => {
  const [status, { alerts }, { silences }, { rules }] = await Promise.all([
    ask('/api/v1/status'),
    ask('/api/v1/alerts'),
    ask('/api/v1/silences'),
    ask('/api/v1/rules'),
  ]);
  const firing = alerts.filter((it) => it.state === 'firing').length;
  const down = Object.entries(status.dependencies).filter(([, it]) => it.state !== 'up');
  place('status').textContent =
    `${status.version} · ${firing} firing` +
    (down.length > 0 ? ` · ${down.map(([name, it]) => `${name} ${it.state}`).join(', ')}` : '');
  document.title = firing > 0 ? `(${firing}) Tocsin` : 'Tocsin';
  const order = ['firing', 'pending', 'resolved'];
  fill(
    'alerts',
    alerts.toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state)).map(alertRow),
  );
  fill('silences', silences.filter((it) => it.state !== 'expired').map(silenceRow));
  fill('rules', rules.filter((it) => it.health === 'error').map(ruleItem));
  show();
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
