import t from 'tap';
import { systemClock } from '../../../src/lib/clock.ts';
import { hastyEvaluator } from '../../support/evaluator.ts';
import { startRedis } from '../../support/redis.ts';
import { rulesOf } from '../../support/rules.ts';
import { until } from '../../support/until.ts';
import { spanRow, startTelemetry } from '../compile/telemetry.ts';

t.test('spans in a real engine make an alert fire, and it says where and why', async (t) => {
  const [redis, { store, insert }] = await Promise.all([startRedis(t), startTelemetry(t)]);
  const groups = rulesOf(`
groups:
  - name: shop
    interval: 1s
    rules:
      - alert: Failing
        signals:
          errors: {from: spans, value: errors(), by: [service.name], over: 1h}
          p99: {from: spans, value: p99(duration), by: [service.name], over: 1h}
        when: errors > 3 and p99 > 500 ms
        annotations: {summary: '{{ $labels.service_name }} fails: {{ $values.errors }}'}
`);
  const evaluator = hastyEvaluator({ redisUrl: redis.url, groups, query: store.query });
  t.teardown(() => evaluator.stop());
  evaluator.start();
  await until(async () => (await evaluator.ruleHealth()).some((it) => it.evaluated), 20_000);
  t.match(await evaluator.ruleHealth(), [{ evaluated: { error: undefined } }]);
  t.strictSame(await evaluator.alerts(), []);

  const now = new Date(systemClock.nowMs() - 5_000).toISOString().replace(/[TZ]/g, ' ').trim();
  const span = { ...spanRow({ agoSeconds: 0, durationMs: 800, status: 'Error' }), Timestamp: now };
  const fine = { ...span, StatusCode: 'Unset', ServiceName: 'cart' };
  await insert('otel_traces', [span, span, span, span, fine]);
  await until(async () => (await evaluator.alerts()).length === 1, 20_000);
  t.match(await evaluator.alerts(), [
    {
      phase: 'firing',
      labels: { alertname: 'Failing', service_name: 'checkout' },
      annotations: { summary: 'checkout fails: 4' },
      values: { errors: 4 },
      units: { p99: 's' },
    },
  ]);
});
