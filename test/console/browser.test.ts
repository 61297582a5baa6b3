import t from 'tap';
import { browserPath, startBrowser } from '../support/browser.ts';
import { alertView, memoryBackend, startConsole } from '../support/console.ts';

const path = browserPath();
const skip = path === undefined ? 'no chromium or google-chrome is installed' : false;
const hostile = '<img src=x onerror="document.title=\'owned\'"><script>alert(1)</script>';

t.test('in a browser somebody sees, takes and silences an alert', { skip }, async (t) => {
  const backend = memoryBackend();
  backend.rules = [
    {
      id: 'r1',
      group: 'shop',
      name: 'Slow',
      health: 'ok',
      lastEvaluatedAtMs: 0,
      lastDurationMs: 3,
    },
  ];
  backend.alerts = [
    alertView(),
    alertView({
      id: 'evil-1',
      labels: { alertname: hostile, evil: hostile },
      annotations: { summary: hostile, runbook_url: 'javascript:alert(1)' },
    }),
  ];
  const url = await startConsole(t, backend);
  const context = await startBrowser(t, path ?? '');
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const said: string[] = [];
  page.on('console', (it) => said.push(it.text()));
  page.on('pageerror', (it) => said.push(String(it)));
  const dialogs: string[] = [];
  page.on('dialog', (it) => {
    dialogs.push(it.message());
    void it.accept('2h');
  });
  const content = `document.addEventListener('securitypolicyviolation', (it) =>
    console.error('policy: ' + it.violatedDirective + ' ' + it.blockedURI));`;
  await page.addInitScript({ content });
  const asked: string[] = [];
  page.on('request', (it) => asked.push(new URL(it.url()).origin));

  await page.goto(`${url}/?alert=f00d-1`);
  const row = page.locator('#alerts tr.wanted');
  t.match(await row.innerText(), /firing · critical[^]*Slow[^]*p99 is 800 ms[^]*p99 800 ms/);
  t.equal(await page.title(), '(2) Tocsin', 'no script of a label ran');
  t.equal(await page.locator('#alerts img, #alerts script, #alerts a').count(), 0);
  t.equal(await page.locator('#alerts strong').first().innerText(), hostile);

  await row.getByRole('button', { name: 'Acknowledge' }).click();
  t.match(await page.locator('#failure').innerText(), /Say who you are/);
  await page.getByLabel('You are').fill('kim');
  await row.getByRole('button', { name: 'Acknowledge' }).click();
  await page.locator('#failure').waitFor({ state: 'hidden' });
  t.match(backend.acknowledgements, [{ alertId: 'f00d-1', by: 'kim' }]);

  await row.getByRole('button', { name: 'Silence' }).click();
  const silence = page.locator('#silences tr');
  t.match(await silence.innerText(), /active[^]*alertname="Slow"[^]*kim/);
  t.equal((backend.silences[0]?.endsAtMs ?? 0) - (backend.silences[0]?.startsAtMs ?? 0), 7_200_000);
  await silence.getByRole('button', { name: 'End' }).click();
  await page.locator('#no-silences').waitFor({ state: 'visible' });

  t.strictSame(dialogs, ['Silence alerts with exactly these labels for how long?']);
  t.strictSame(said, [], 'nothing in the console log, no policy was violated');
  t.strictSame([...new Set(asked)], [url], 'nothing was asked of anybody else');
});
