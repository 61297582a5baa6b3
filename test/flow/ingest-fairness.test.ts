import { Agent, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { createOtlpHttpServer } from '../../src/receive/http-server.ts';
import { defaultReceiveLimits } from '../../src/receive/limits.ts';
import { nowhere, openPool, sampleBody } from '../support/ingest-pool.ts';

const grantOf = (authorization: string | undefined) => ({
  ...{ key: authorization, attributes: {} },
  ...{ bytesTaken: () => {}, itemsTaken: () => {} },
});

/** The same spans in bytes never seen before: gzip begins with a time, which nobody looks at. */
const stamped = (packed: Uint8Array): (() => Buffer) => {
  let made = 0;
  return () => {
    const body = Buffer.from(packed);
    body.writeUInt32LE((made += 1), 4);
    return body;
  };
};

const median = (list: readonly number[]): number =>
  list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;

t.test('who waits for a worker behind a flood waits for a turn, not for the flood', async (t) => {
  const pool = await openPool(t, nowhere);
  const server = createOtlpHttpServer({
    listen: { host: '127.0.0.1', port: 0 },
    limits: defaultReceiveLimits,
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
    admit: grantOf,
    ingest: pool.ingest,
  });
  t.teardown(server.stop);
  const { port } = await server.start();
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  t.teardown(() => agent.destroy());

  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' };
  const options = { agent, port, host: '127.0.0.1', path: '/v1/traces', method: 'POST' };
  /** Milliseconds until it was taken. */
  const send = (authorization: string, body: Buffer): Promise<number> =>
    new Promise((resolve, reject) => {
      const sinceMs = performance.now();
      request({ ...options, headers: { ...headers, authorization } }, (answer) => {
        answer.resume().once('end', () => {
          if (answer.statusCode === 200) resolve(performance.now() - sinceMs);
          else reject(new Error(`answered ${answer.statusCode}`));
        });
      })
        .once('error', reject)
        .end(body);
    });

  const large = stamped(gzipSync(sampleBody('traces', 1, 250)()));
  const small = stamped(gzipSync(sampleBody('traces', 2, 5)()));
  await send('greedy', large());
  let going = true;
  const greedy: number[] = [];
  const push = async (): Promise<void> => {
    while (going) greedy.push(await send('greedy', large()));
  };
  const pushing = Array.from({ length: 100 }, push);
  while (greedy.length < 100) await systemClock.sleep(5);
  const modest: number[] = [];
  for (let sent = 0; sent < 20; sent += 1) modest.push(await send('modest', small()));
  going = false;
  await Promise.all(pushing);
  const [one, other] = [median(modest), median(greedy.slice(100))];
  t.ok(
    one * 4 < other,
    `${one.toFixed(0)} ms for a modest one, ${other.toFixed(0)} ms in the flood`,
  );
  await pool.drain();
  const waited = /^tocsin_ingest_wait_seconds_count\S* (\d+)/m.exec(await pool.metricsText());
  t.equal(Number(waited?.[1]), greedy.length + modest.length + 1, 'each wait is measured');
});
