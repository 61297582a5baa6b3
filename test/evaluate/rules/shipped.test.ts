import { globSync, readFileSync } from 'node:fs';
import t from 'tap';
import { instancesOf } from '../../../src/evaluate/rules/instances.ts';
import { loadRules } from '../../../src/evaluate/rules/load.ts';
import type { CompiledRule } from '../../../src/evaluate/rules/plan.ts';
import type { Labels } from '../../../src/model/matcher.ts';
import { computeCaches } from '../../rollup/cache-telemetry.ts';
import { nowMs, pointRow, run, type Span, spanRow, startTelemetry } from '../compile/telemetry.ts';

const files = globSync('rules/*.yaml')
  .toSorted()
  .map((file) => ({ file, text: readFileSync(file, 'utf8') }));
const { groups, problems } = loadRules(files, { intervalMs: 30_000, queryOffsetMs: 0 });
const rules = groups.flatMap((it) => it.rules);

const { store, insert } = await startTelemetry(t);

const ruleNamed = (name: string): CompiledRule => {
  const rule = rules.find((it) => it.alertName === name);
  if (!rule) throw new Error(`no rule ${name}`);
  return rule;
};

/** What would begin to fire now, as `labels` and summary. */
const alertsOf = async (rule: CompiledRule) => {
  const answers = await Promise.all(
    Object.entries(rule.signals).map(async ([name, it]) => [name, await run(store, it)] as const),
  );
  return instancesOf(rule, Object.fromEntries(answers)).flatMap((instance) => {
    const verdict = rule.decide(instance.values);
    if (verdict.holds !== 'yes') return [];
    const severity = verdict.severity ?? rule.labels(instance)['severity'] ?? '';
    const labels: Labels = { ...rule.labels(instance), severity };
    return [{ labels, summary: rule.annotations({ labels, values: instance.values })['summary'] }];
  });
};

const summariesOf = async (name: string): Promise<readonly string[]> =>
  (await alertsOf(ruleNamed(name)))
    .map((it) => it.summary ?? '')
    .toSorted((a, b) => a.localeCompare(b));

const send = (service: string, spans: readonly Span[]): Promise<void> =>
  insert(
    'otel_traces',
    spans.map((it) => spanRow({ ...it, service })),
  );

const times = (
  count: number,
  span: Omit<Span, 'agoSeconds'>,
  withinSeconds = 55,
): readonly Span[] =>
  Array.from({ length: count }, (_, index) => ({
    ...span,
    agoSeconds: 1 + (withinSeconds * index) / count,
  }));

t.test(
  'the shipped files have no mistakes, and each alert says what it is and what to do',
  async (t) => {
    t.strictSame(problems, []);
    t.ok(rules.length >= 8);
    for (const rule of rules) {
      const labels = { service_name: 's', cache_name: 'c' };
      const annotations = rule.annotations({ labels, values: {} });
      t.ok(annotations['summary'], `${rule.alertName} has a summary`);
      t.ok(annotations['runbook'] ?? annotations['description'], `${rule.alertName} has a runbook`);
      t.ok(
        rule.severities.length > 0 || rule.labels({ labels, values: {} })['severity'],
        rule.alertName,
      );
    }
  },
);

t.test('a new daemon without telemetry raises nothing', async (t) => {
  for (const rule of rules) t.strictSame(await alertsOf(rule), [], rule.alertName);
});

t.test('a newcomer’s first slow and failed requests wake nobody', async (t) => {
  await send('hello', times(25, { durationMs: 9_000, status: 'Error' }));
  for (const rule of rules) t.strictSame(await alertsOf(rule), [], rule.alertName);
});

t.test('a slow and a failing service are told apart by service', async (t) => {
  await send('slow', [...times(90, { durationMs: 20 }), ...times(10, { durationMs: 1_200 })]);
  await send('stuck', times(50, { durationMs: 6_000 }));
  await send('failing', [
    ...times(70, { durationMs: 20 }),
    ...times(30, { durationMs: 20, status: 'Error' }),
  ]);
  await send('fine', [
    ...times(96, { durationMs: 20 }),
    ...times(4, { durationMs: 4_000, status: 'Error' }),
  ]);
  const slow = await alertsOf(ruleNamed('ServiceSlow'));
  const severities = slow.map(({ labels }) => [labels['service_name'] ?? '', labels['severity']]);
  t.strictSame(
    new Map(severities as [string, string][]),
    new Map([
      ['slow', 'warning'],
      ['stuck', 'critical'],
    ]),
  );
  t.strictSame(await summariesOf('ServiceSlow'), [
    'slow is slow: 95 % of requests take up to 1.2 s',
    'stuck is slow: 95 % of requests take up to 6 s',
  ]);
  t.strictSame(await summariesOf('ServiceFailing'), ['failing fails 30 % of its requests']);
});

t.test('a slow service has recovered when it is fast, or when nobody asks', async (t) => {
  const { decide } = ruleNamed('ServiceSlow');
  const held = { severity: 'warning' };
  t.equal(decide({ p95: 0.9, rps: 5 }, held).holds, 'yes');
  t.equal(decide({ p95: 0.7, rps: 5 }, held).holds, 'no');
  t.equal(decide({ p95: null, rps: 0 }, held).holds, 'no');
  t.equal(decide({ p95: 2, rps: 0.1 }, held).holds, 'no');
});

t.test('a service that was steady and stopped is silent, a test that ended is not', async (t) => {
  const minutes = (from: number, to: number): readonly Span[] =>
    Array.from({ length: to - from }, (_, index) => ({ agoSeconds: (from + index) * 60 + 5 }));
  await send('steady', minutes(15, 90));
  await send('brief', [...minutes(15, 60), ...minutes(15, 60)]);
  await send('running', minutes(1, 90));
  await send('tocsin', minutes(15, 90));
  t.strictSame(await summariesOf('ServiceSilent'), ['steady has sent nothing for 10 minutes']);
});

t.test('a cache is cold against its own past or when it hardly ever hits', async (t) => {
  const reads = (cache: string, hits: number, misses: number, agoSeconds: number) =>
    [
      ['hits', hits],
      ['misses', misses],
    ].map(([what, value]) => ({
      ...pointRow({
        metric: `shop.cache.${what}`,
        service: 'catalog',
        agoSeconds,
        attributes: { 'cache.name': cache },
      }),
      Value: value,
      AggregationTemporality: 1,
      IsMonotonic: true,
    }));
  await insert('otel_metrics_sum', [
    ...reads('cooled', 950, 50, 1_000),
    ...reads('cooled', 700, 300, 30),
    ...reads('always-half', 500, 500, 1_000),
    ...reads('always-half', 450, 550, 30),
    ...reads('useless', 100, 900, 30),
    ...reads('idle', 90, 10, 1_000),
    ...reads('idle', 0, 50, 30),
  ]);
  await computeCaches(store, [nowMs - 1_000_000]);
  t.strictSame(await summariesOf('CacheCold'), [
    'Cache cooled of catalog is cold: 70 % hits',
    'Cache useless of catalog is cold: 10 % hits',
  ]);
});

t.test('the example SLA looks at the demo shop only', async (t) => {
  const bad: Omit<Span, 'agoSeconds'> = { durationMs: 9_000, status: 'Error' };
  await send('payment', times(50, bad));
  t.strictSame(await summariesOf('SlaBreached'), []);
  await send('payment', times(50, { ...bad, resource: { 'service.namespace': 'demo-shop' } }));
  t.strictSame(await summariesOf('SlaBreached'), [
    'SLA demo-payment-availability: availability is 0 %, promised 99 % over 1d',
  ]);
});

t.test('the daemon tells of its own failures', async (t) => {
  const counter = (metric: string, value: number, attributes = {}) => ({
    ...pointRow({ metric, service: 'tocsin', agoSeconds: 60, startAgoSeconds: 200, attributes }),
    Value: value,
    AggregationTemporality: 2,
    IsMonotonic: true,
  });
  await insert('otel_metrics_sum', [
    counter('tocsin_store_insert_attempts_failed', 9),
    counter('tocsin_batch_requests_refused', 3),
    counter('tocsin_store_disk_bytes_dropped', 5e9, { table: 'otel_logs' }),
    counter('tocsin_evaluate_rules_evaluated', 90, { ending: 'committed' }),
    counter('tocsin_evaluate_rules_evaluated', 4, { ending: 'failed' }),
    counter('tocsin_journal_requests_lost', 2),
    counter('tocsin_journal_requests_refused', 6, { code: 'ERR_JOURNAL_FULL' }),
    counter('tocsin_evaluate_slots_skipped', 11),
    counter('tocsin_evaluate_instances_dropped', 8),
    counter('tocsin_notify_ledger_dropped', 12, { table: 'notification_log' }),
    counter('tocsin_embedded_restarts', 3, { part: 'clickhouse' }),
    counter('tocsin_embedded_restarts', 2, { part: 'redis' }),
    counter('tocsin_ingest_workers_died', 1, { reason: 'memory', worker: '0' }),
  ]);
  const gauge = (metric: string, value: number, attributes = {}) => ({
    ...pointRow({ metric, service: 'tocsin', agoSeconds: 20, attributes }),
    Value: value,
  });
  await insert('otel_metrics_gauge', [
    gauge('tocsin_journal_aside_files_held', 3, { kind: 'batch' }),
    gauge('tocsin_journal_aside_files_held', 1, { kind: 'damage' }),
    gauge('tocsin_journal_aside_files_held', 1, { kind: 'request' }),
    gauge('tocsin_journal_disk_writable', 0),
    gauge('tocsin_rollup_lag', 2_400, { job: 'metric_rollup_1m' }),
    gauge('tocsin_rollup_lag', 1_800, { job: 'trace_summaries' }),
    gauge('tocsin_rollup_lag', 2_000_000, { job: 'sla_minutes_0123456789ab' }),
    gauge('tocsin_access_key_lifetime', 86_400, { key: 'old' }),
    gauge('tocsin_access_key_lifetime', 10 * 86_400, { key: 'older' }),
    gauge('tocsin_access_key_lifetime', 90 * 86_400, { key: 'new' }),
    gauge('tocsin_access_certificate_lifetime', 5 * 86_400),
    gauge('tocsin_store_caches_disagree', 1),
  ]);
  await insert('otel_metrics_gauge', [
    {
      ...pointRow({ metric: 'tocsin_notify_dead_letters', service: 'tocsin', agoSeconds: 20 }),
      Value: 2,
    },
    ...[
      ['tocsin_store_disk_pressure', 'default', 1],
      ['tocsin_store_disk_used', 'default', 0.83],
      ['tocsin_store_disk_pressure', 'cold', 0],
      ['tocsin_store_disk_used', 'cold', 0.3],
    ].map(([metric = '', disk = '', value]) => ({
      ...pointRow({
        metric: String(metric),
        service: 'tocsin',
        agoSeconds: 20,
        attributes: { disk: String(disk) },
      }),
      Value: value,
    })),
    ...['batch', 'request', 'damage'].map((kind, index) => ({
      ...pointRow({
        metric: 'tocsin_journal_aside_items_held',
        service: 'tocsin',
        agoSeconds: 20,
        attributes: { kind },
      }),
      Value: [1_500, 7, 0][index],
    })),
  ]);
  t.strictSame(await summariesOf('TocsinStorageFailing'), [
    'Telemetry cannot be stored: 9 inserts failed in 5 minutes',
  ]);
  t.strictSame(await summariesOf('TocsinDiskFilling'), ['Disk default of ClickHouse is 83% full']);
  t.match(await summariesOf('TocsinDataDroppedForSpace'), [/because a disk is full/]);
  t.match(await summariesOf('TocsinOverloaded'), [/^3 requests were refused/]);
  t.match(await summariesOf('TocsinRulesFailing'), [/^4 evaluations of rules failed/]);
  t.match(await summariesOf('TocsinMessagesUndelivered'), [/^2 messages reached nobody/]);
  t.match(await summariesOf('TocsinTelemetrySetAside'), [
    /^1500 acknowledged items .*kind batch/,
    /^7 acknowledged items .*kind request/,
  ]);
  t.strictSame(await summariesOf('TocsinJournalDamaged'), [
    '1 damaged files of the journal are set aside (kind damage)',
  ]);
  t.match(await summariesOf('TocsinTelemetryLost'), [/^2 acknowledged requests/]);
  t.match(await summariesOf('TocsinJournalDiskFailing'), [/takes nothing/]);
  t.match(await summariesOf('TocsinJournalFull'), [/refused 6 requests/]);
  t.strictSame(await summariesOf('TocsinDerivedBehind'), [
    'Job metric_rollup_1m is 40m behind: what it derives is missing or old',
  ]);
  t.match(await summariesOf('TocsinRulesLate'), [/due 11 times/]);
  t.match(await summariesOf('TocsinAlertsCutOff'), [/^8 alerts/]);
  t.match(await summariesOf('TocsinHistoryIncomplete'), [/^12 rows of notification_log/]);
  t.match(await summariesOf('TocsinEngineRestarting'), [/embedded clickhouse .* 3 times/]);
  t.match(await summariesOf('TocsinWorkersDying'), [/^1 worker .*reason memory/]);
  const expiring = await alertsOf(ruleNamed('TocsinAccessExpiring'));
  t.strictSame(
    new Map(expiring.map((it) => [it.labels['key'], it.labels['severity']])),
    new Map([
      ['old', 'critical'],
      ['older', 'warning'],
    ]),
  );
  t.match(await summariesOf('TocsinCertificateExpiring'), [/expires in 5d/]);
  t.match(await summariesOf('TocsinCachesDisagree'), [/recognise caches differently/]);
});

t.test('the metrics that the rules about the daemon read are metrics that it has', async (t) => {
  const code = globSync('src/**/*.ts')
    .map((it) => readFileSync(it, 'utf8'))
    .join('\n');
  const text = files.find((it) => it.file.endsWith('tocsin.yaml'))?.text ?? '';
  const names = [...new Set([...text.matchAll(/tocsin_\w+/g)].map(([name]) => name))];
  t.ok(names.length >= 5);
  for (const name of names) t.ok(code.includes(`'${name}'`), name);
});
