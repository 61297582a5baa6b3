import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { httpRequest } from '../../src/lib/http-client.ts';
import { type Log, silentLog } from '../../src/lib/log.ts';
import { createTelemetry, type TelemetryOptions } from '../../src/lib/telemetry.ts';
import { ownExportHeader } from '../../src/lib/telemetry-export.ts';
import { manualClock } from '../support/clock.ts';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const telemetryWith = (options: Partial<TelemetryOptions> = {}) =>
  createTelemetry({
    serviceName: 'tocsin',
    version: '1.2.3',
    instanceId: 'here-1',
    intervalMs: 1_000,
    traceRatio: 1,
    clock: systemClock,
    log: silentLog,
    send: httpRequest,
    ...options,
  });

/** An OTLP/HTTP receiver that answers with what `status` says and keeps every request. */
const receiver = async (t: Tap, status: (path: string) => number = () => 200) => {
  const received: Received[] = [];
  const arrivals: (() => void)[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      response.writeHead(status(path)).end();
      received.push({ path, headers, body: Buffer.concat(chunks) });
      for (const arrive of arrivals.splice(0)) arrive();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close().closeAllConnections());
  const until = async (enough: () => boolean) => {
    while (!enough()) await new Promise<void>((resolve) => arrivals.push(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, received, until };
};
type Tap = Pick<typeof t, 'teardown'>;

/** Length-delimited fields of one protobuf message, by number: enough to look into OTLP. */
const fields = (message: Buffer): ReadonlyMap<number, readonly Buffer[]> => {
  const found = new Map<number, Buffer[]>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const kind = tag & 7;
    const number = Math.floor(tag / 8);
    const length = kind === 2 ? varint() : kind === 1 ? 8 : kind === 5 ? 4 : undefined;
    if (length === undefined) {
      varint();
      continue;
    }
    found.set(number, [...(found.get(number) ?? []), message.subarray(at, at + length)]);
    at += length;
  }
  return found;
};

const inside = (message: Buffer, ...path: readonly number[]): readonly Buffer[] =>
  path.reduce<readonly Buffer[]>(
    (messages, number) => messages.flatMap((it) => fields(it).get(number) ?? []),
    [message],
  );

/** Names of metrics (or spans) in one export, with the resource's attribute texts. */
const summary = ({ path, body }: Received) => ({
  path,
  names: inside(body, 1, 2, 2, path.endsWith('traces') ? 5 : 1).map(String),
  resource: inside(body, 1, 1, 1, 2, 1).map(String),
});

t.test('one instrument feeds the Prometheus page and the OTLP export', async (t) => {
  const { url, received, until } = await receiver(t);
  const clock = manualClock();
  const telemetry = telemetryWith({ clock });
  t.teardown(telemetry.stop);
  const count = telemetry.meter.counter('tocsin_spans_received', {
    description: 'Spans.',
    unit: '{span}',
  });
  const time = telemetry.meter.histogram('tocsin_insert_time', {
    description: 'Inserts.',
    unit: 's',
    bounds: [0.1, 1],
  });
  telemetry.meter.gauge('tocsin_age_seconds', { description: 'Age.', unit: 's' }, () => 3);
  telemetry.meter.gauge('tocsin_journal_size', { description: 'Held.', unit: 'By' }, () => [
    { value: 7, attributes: { worker: 'a"b' } },
  ]);
  count(2, { protocol: 'grpc' });
  count(1, { protocol: 'grpc' });
  time(0.5);
  time(0.05);

  const page = await telemetry.prometheusText();
  const lines = page.split('\n');
  for (const line of [
    '# TYPE tocsin_spans_received_total counter',
    'tocsin_spans_received_total{protocol="grpc"} 3',
    'tocsin_insert_time_seconds_bucket{le="0.1"} 1',
    'tocsin_insert_time_seconds_bucket{le="1"} 2',
    'tocsin_insert_time_seconds_bucket{le="+Inf"} 2',
    'tocsin_insert_time_seconds_count 2',
    'tocsin_age_seconds 3',
    'tocsin_insert_time_seconds_sum 0.55',
    'tocsin_journal_size_bytes{worker="a\\"b"} 7',
  ]) {
    t.ok(lines.includes(line), line);
  }
  t.match(page, /^tocsin_build_info\{version="1.2.3",node="v\d+/m);
  t.match(page, /^tocsin_process_resident_memory_bytes \d+$/m);
  t.match(page, /^tocsin_process_cpu_time_seconds_total\{mode="user"\} [\d.]+$/m);

  telemetry.start(url);
  await clock.advance(1_000);
  await until(() => received.length >= 1);
  const [sent] = received;
  if (!sent) throw new Error('nothing was sent');
  t.equal(sent.path, '/v1/metrics');
  t.equal(sent.headers['content-type'], 'application/x-protobuf');
  t.equal(sent.headers[ownExportHeader], 'metrics');
  t.strictSame(summary(sent).resource, ['tocsin', '1.2.3', 'here-1']);
  t.match(summary(sent).names.toSorted(), /tocsin_insert_time[^]*/);
  t.ok(summary(sent).names.includes('tocsin_spans_received'));
});

t.test('every line of the page is a comment or one of our samples', async (t) => {
  const telemetry = telemetryWith();
  t.teardown(telemetry.stop);
  telemetry.meter.counter('tocsin_a', { description: 'Two\nlines.', unit: '1' })(1);
  const page = await telemetry.prometheusText();
  const sample =
    /^tocsin_[a-z0-9_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (?:[-+.\de]+|\+Inf|NaN)$/;
  const comment = /^# (?:HELP|TYPE) tocsin_[a-z0-9_]+ .+$/;
  for (const line of page.split('\n').filter((it) => it !== '')) {
    t.ok(sample.test(line) || comment.test(line), line);
  }
});

t.test('instruments with broken callbacks or values do not harm the page', async (t) => {
  const telemetry = telemetryWith();
  t.teardown(telemetry.stop);
  telemetry.meter.gauge('tocsin_thrown', { description: 'x', unit: '1' }, () => {
    throw new Error('not now');
  });
  telemetry.meter.gauge('tocsin_fine', { description: 'x', unit: '1' }, () => 4);
  const count = telemetry.meter.counter('tocsin_counted', { description: 'x', unit: '1' });
  count(1);
  count(Number.NaN);
  count(-5);
  count(Number.POSITIVE_INFINITY);
  const page = await telemetry.prometheusText();
  t.match(page, /^tocsin_counted_total 1$/m);
  t.match(page, /^tocsin_fine 4$/m);
  t.notMatch(page, 'tocsin_thrown');
});

t.test('spans nest through async calls and carry failures', async (t) => {
  const { url, received } = await receiver(t);
  const telemetry = telemetryWith({ clock: manualClock() });
  let outer = '';
  const failing = telemetry.tracer.span('outer', { rule: 'a' }, async (span) => {
    outer = span.traceId;
    await telemetry.tracer.span('inner', {}, async (inner) => {
      inner.set({ rows: 5 });
      t.equal(inner.traceId, span.traceId);
    });
    throw new Error('broken pipe');
  });
  await t.rejects(failing, { message: 'broken pipe' });
  t.match(outer, /^[0-9a-f]{32}$/);
  telemetry.start(url);
  await telemetry.stop();
  const traces = received.filter((it) => it.path === '/v1/traces');
  t.match(traces.map(summary), [{ names: ['inner', 'outer'] }]);
  const spans = traces.flatMap(({ body }) => inside(body, 1, 2, 2));
  t.strictSame(
    spans.map((it) => inside(it, 1).map((id) => id.toString('hex'))),
    [[outer], [outer]],
  );
  const [inner, outerSpan] = spans.map((it) => fields(it));
  t.strictSame(inner?.get(4), outerSpan?.get(2), 'the inner span names the outer as its parent');
  t.match(spans.map(String)[1], /broken pipe/);
});

t.test('unrecorded traces have no id and are not sent', async (t) => {
  const { url, received } = await receiver(t);
  const telemetry = telemetryWith({ traceRatio: 0, clock: manualClock() });
  const id = await telemetry.tracer.span('outer', {}, async (span) => span.traceId);
  t.equal(id, '');
  telemetry.start(url);
  await telemetry.stop();
  t.strictSame(
    received.map((it) => it.path),
    ['/v1/metrics'],
  );
});

t.test('an outage is logged once, loses no span and is over with the first success', async (t) => {
  let status = 503;
  const { url, received, until } = await receiver(t, () => status);
  const events: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (event) => events.push(event),
    info: (event) => events.push(event),
  };
  const clock = manualClock();
  const telemetry = telemetryWith({ clock, log });
  t.teardown(telemetry.stop);
  await telemetry.tracer.span('kept', {}, async () => {});
  telemetry.start(url);
  const next = async (requests: number) => {
    // The timer of the next interval is set only after the answer was read.
    while (received.length < requests) {
      await clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await next(3);
  status = 200;
  await next(5);
  await until(() => received.some((it) => it.path === '/v1/traces'));
  t.strictSame(events.slice(0, 1), ['own_telemetry_export_failed']);
  t.strictSame(events.filter((it) => it === 'own_telemetry_export_failed').length, 1);
  t.ok(events.includes('own_telemetry_export_recovered'));
  t.match(
    received.findLast((it) => it.path === '/v1/traces'),
    { body: /kept/ },
  );
  t.match(
    await telemetry.prometheusText(),
    /exported_total\{signal="metrics",outcome="failed"\} [3-9]/,
  );
});

t.test('spans that could not be stored go with the next export, refused ones do not', async (t) => {
  let status = 503;
  const { url, received } = await receiver(t, (path) => (path === '/v1/traces' ? status : 200));
  const clock = manualClock();
  const telemetry = telemetryWith({ clock });
  t.teardown(telemetry.stop);
  await telemetry.tracer.span('patient', {}, async () => {});
  telemetry.start(url);
  const traces = () => received.filter((it) => it.path === '/v1/traces');
  const until = async (count: number) => {
    while (traces().length < count) {
      await clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await until(2);
  status = 400;
  await until(3);
  await telemetry.tracer.span('later', {}, async () => {});
  status = 200;
  await until(4);
  t.strictSame(
    traces().map((it) => summary(it).names),
    [['patient'], ['patient'], ['patient'], ['later']],
  );
});

t.test('more spans than may wait are dropped and counted', async (t) => {
  const telemetry = telemetryWith();
  t.teardown(telemetry.stop);
  for (let index = 0; index < 4_100; index += 1) {
    await telemetry.tracer.span('one', {}, async () => {});
  }
  t.match(await telemetry.prometheusText(), /^tocsin_own_spans_dropped_total 4$/m);
});

t.test('stopping is safe without start, twice, and while the receiver is silent', async (t) => {
  const idle = telemetryWith();
  await idle.stop();
  await idle.stop();

  const arrived = Promise.withResolvers<void>();
  const silent = createServer(() => arrived.resolve());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => silent.close().closeAllConnections());
  const { port } = silent.address() as AddressInfo;
  const telemetry = telemetryWith({ clock: { ...systemClock, after: shortened } });
  telemetry.start(`http://127.0.0.1:${port}`);
  await arrived.promise;
  const beganMs = performance.now();
  await Promise.all([telemetry.stop(), telemetry.stop()]);
  t.ok(performance.now() - beganMs < 1_500, 'the export under way is given up');
});

const shortened = (delayMs: number, action: () => void) =>
  systemClock.after(Math.min(delayMs, 50), action);

t.test('without a target nothing is sent and the page still works', async (t) => {
  const sent: string[] = [];
  const clock = manualClock();
  const telemetry = telemetryWith({
    clock,
    send: async ({ url }) => {
      sent.push(url);
      return { status: 200, headers: {}, text: '' };
    },
  });
  telemetry.start();
  await clock.advance(5_000);
  await telemetry.stop();
  t.strictSame(sent, []);
  t.match(await telemetry.prometheusText(), /tocsin_build_info/);
});
