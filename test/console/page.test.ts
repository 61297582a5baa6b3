import { readFileSync } from 'node:fs';
import t from 'tap';
import { alertView, type Backend, memoryBackend, startConsole } from '../support/console.ts';

/** As much of a document as the page uses; what is appended as a string stays text. */
class Element {
  readonly children: (Element | string)[] = [];
  readonly attributes = new Map<string, string>();
  readonly #listeners = new Map<string, () => unknown>();
  readonly name: string;
  hidden = false;
  value = '';
  focused = false;

  constructor(name: string) {
    this.name = name;
  }

  get textContent(): string {
    return this.children.map((it) => (typeof it === 'string' ? it : it.textContent)).join(' ');
  }

  set textContent(text: string) {
    this.replaceChildren(text);
  }

  append(...children: (Element | string)[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: (Element | string)[]): void {
    this.children.splice(0, Number.POSITIVE_INFINITY, ...children);
  }

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }

  addEventListener(name: string, listener: () => unknown): void {
    this.#listeners.set(name, listener);
  }

  focus(): void {
    this.focused = true;
  }

  async click(): Promise<void> {
    await this.#listeners.get('click')?.();
  }

  find(name: string, text: string): Element | undefined {
    const elements = this.children.filter((it) => typeof it !== 'string');
    return (
      elements.find((it) => it.name === name && it.textContent === text) ??
      elements.map((it) => it.find(name, text)).find((it) => it !== undefined)
    );
  }
}

/** Runs the page's own script against a console, with everything it finds in its HTML. */
const openPage = async (url: string, search = '') => {
  const html = await (await fetch(url)).text();
  const script = await (await fetch(`${url}/console.js`)).text();
  const elements = new Map(
    [...html.matchAll(/<(\w+)[^>]* id="([\w-]+)"[^>]*>/g)].map(([tag, name = '', id = '']) => [
      id,
      Object.assign(new Element(name), { hidden: tag.endsWith(' hidden>') }),
    ]),
  );
  const document = {
    hidden: false,
    title: '',
    getElementById: (id: string) => elements.get(id) ?? null,
    createElement: (name: string) => new Element(name),
    querySelector: () => null,
  };
  const again: (() => Promise<void>)[] = [];
  const world = {
    document,
    localStorage: { getItem: () => null, setItem: () => {} },
    fetch: (path: string, options: RequestInit) => fetch(url + path, options),
    location: { search, hostname: '127.0.0.1' },
    prompt: () => '1h',
    setTimeout: (action: () => Promise<void>) => again.push(action),
  };
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
    ...parts: readonly string[]
  ) => (...values: readonly unknown[]) => Promise<void>;
  await new AsyncFunction(...Object.keys(world), script)(...Object.values(world));
  const element = (id: string): Element => {
    const found = elements.get(id);
    if (!found) throw new Error(`the page has no ${id}`);
    return found;
  };
  return { element, document, refresh: async () => again.pop()?.() };
};

const backendWith = (change: Partial<Backend>): Backend => Object.assign(memoryBackend(), change);

t.test('the page shows alerts, silences and failing rules', async (t) => {
  const backend = backendWith({
    alerts: [
      alertView({ labels: { alertname: '<img src=x>', severity: 'critical', team: 'pay' } }),
      alertView({ id: 'p', phase: 'pending', labels: { alertname: 'Cold' } }),
    ],
    silences: [
      {
        id: 's1',
        matchers: [{ name: 'a', operator: '=', value: 'b' }],
        startsAtMs: 0,
        endsAtMs: Date.UTC(2999, 0),
        by: 'kim',
        comment: 'deploy',
        updatedAtMs: 0,
      },
    ],
  });
  const { element, document } = await openPage(await startConsole(t, backend));
  t.equal(element('failure').textContent, '');
  t.equal(element('status').textContent, '1.2.3 · 1 firing · 1 of 1 rules fail');
  t.equal(document.title, '(1) Tocsin');
  const [firing, pending] = element('alerts').children.map((it) =>
    typeof it === 'string' ? it : it.textContent,
  );
  t.match(
    firing,
    /^firing · critical <img src=x> p99 is 800 ms severity=critical team=pay p99 800 ms/,
  );
  t.match(pending, /^pending Cold/);
  t.match(element('silences').textContent, /^active a="b" .* kim deploy End$/);
  t.match(element('rules').textContent, /^error Slow {2}in g no table not yet/);
  t.match(element('doors').textContent, 'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318');
  t.equal(element('one').hidden, true);
  t.equal(element('no-alerts').hidden, true);
});

t.test('buttons take, silence and end, once somebody says who they are', async (t) => {
  const backend = backendWith({ alerts: [alertView({ labels: { alertname: 'Say "hi"' } })] });
  const { element } = await openPage(await startConsole(t, backend));
  await element('alerts').find('button', 'Acknowledge')?.click();
  t.match(element('failure').textContent, /Say who you are/);
  t.ok(element('by').focused);
  t.strictSame(backend.acknowledgements, []);

  element('by').value = 'kim';
  await element('alerts').find('button', 'Acknowledge')?.click();
  t.match(backend.acknowledgements, [{ alertId: 'f00d-1', by: 'kim' }]);
  await element('alerts').find('button', 'Silence')?.click();
  t.match(backend.silences, [
    { by: 'kim', matchers: [{ name: 'alertname', operator: '=', value: 'Say "hi"' }] },
  ]);
  await element('silences').find('button', 'End')?.click();
  t.strictSame(backend.silences, []);
  t.equal(element('no-silences').hidden, false);
  t.equal(element('failure').textContent, '');
});

const change = {
  alertId: 'over-1',
  atMs: Date.UTC(2026, 0, 5, 9, 0),
  change: 'fired',
  reason: 'held-for',
  phase: 'firing',
  severity: 'critical',
  ruleId: 'shop.yaml/checkout/Slow',
  labels: { alertname: 'Slow', team: 'pay' },
  annotations: { summary: 'p99 is 800 ms' },
  activeAtMs: 0,
};
const message = {
  atMs: Date.UTC(2026, 0, 5, 9, 1),
  alertId: 'over-1',
  alertName: 'Slow',
  kind: 'firing',
  reason: 'first notification',
  receiver: 'ops',
  channel: 'slack',
  destination: '#pay',
  outcome: 'delivered',
  answer: 'ok',
};

t.test('a link to an alert shows it and what became of it, also when it is over', async (t) => {
  const ended = { ...change, atMs: Date.UTC(2026, 0, 5, 9, 5), change: 'resolved' };
  const backend = backendWith({
    alerts: [alertView()],
    changes: [change, { ...ended, reason: 'cleared' }],
    messages: [message],
  });
  const url = await startConsole(t, backend);
  const { element } = await openPage(url, '?alert=over-1');
  t.equal(element('one').hidden, false);
  t.equal(element('one-title').textContent, 'Slow is over');
  t.match(element('one-text').textContent, /^It was resolved at .* p99 is 800 ms$/);
  t.match(
    element('one-history').textContent,
    /fired · critical \(held-for\).* firing to ops: delivered, ok.* resolved · critical \(cleared\)$/,
  );
  t.match(
    element('messages').textContent,
    /^delivered Slow {2}firing: first notification ops · slack/,
  );

  const live = await openPage(url, '?alert=f00d-1');
  t.equal(live.element('one-title').textContent, 'Slow is firing');
  const gone = await openPage(url, '?alert=nothing-1');
  t.equal(gone.element('one-title').textContent, 'nothing-1 is over');
  t.match(gone.element('one-text').textContent, /nothing is written down/);
  t.equal(gone.element('failure').textContent, '');
});

t.test('a console that fails says so and recovers with the next look', async (t) => {
  const backend = memoryBackend();
  const { dependencies } = backend;
  backend.dependencies = () => Promise.reject(new Error('broken'));
  const page = await openPage(await startConsole(t, backend));
  t.match(page.element('failure').textContent, /something went wrong here; the log has it/);
  t.equal(page.element('failure').hidden, false);
  backend.dependencies = dependencies;
  await page.refresh();
  t.equal(page.element('failure').hidden, true);
});

t.test('every place that the script fills is in the page', async (t) => {
  const read = (name: string) => readFileSync(`src/console/page/${name}`, 'utf8');
  const html = read('index.html');
  for (const [, id = ''] of read('console.js').matchAll(/(?:place|fill)\(\s*'([\w-]+)'/g)) {
    t.match(html, `id="${id}"`, id);
  }
});
