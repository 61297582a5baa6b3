import type { Clock } from '../lib/clock.ts';
import { Fault, messageOf, remedyOf } from '../lib/fault.ts';
import type { HttpClient, HttpResponse } from '../lib/http-client.ts';
import type { Ingest, Signal } from '../model/ingest.ts';

const signals: Readonly<Record<string, Signal>> = {
  '/v1/traces': 'traces',
  '/v1/metrics': 'metrics',
  '/v1/logs': 'logs',
};

/** Where the inner door is asked for; it leads nowhere else. */
export const innerUrl = 'tocsin:self';

/**
 * OTLP/HTTP without a port, for what this process says about itself and for the demo: nobody else
 * can come this way, so it needs neither key nor certificate and works whatever the ports ask for.
 */
export const createInnerDoor =
  (ingest: Ingest, clock: Clock): HttpClient =>
  async ({ url, headers = {}, body = '', timeoutMs }) => {
    const path = Object.keys(signals).find((it) => url.endsWith(it));
    const signal = path === undefined ? undefined : signals[path];
    if (signal === undefined) return answer(404, 'no OTLP here');
    const encoding = headers['content-type'] === 'application/json' ? 'json' : 'protobuf';
    // Whoever takes the bytes owns their buffer alone, so that it may be moved to another thread.
    const taken = ingest({ signal, encoding, body: Uint8Array.from(Buffer.from(body)) }).then(
      ({ rejected, message }) => answer(200, rejected > 0 ? message : ''),
      (error: unknown) => answer(remedyOf(error) === 'retry' ? 503 : 400, messageOf(error)),
    );
    const timeout = new AbortController();
    const late = clock.sleep(timeoutMs, timeout.signal).then(() => undefined);
    const first = await Promise.race([taken, late]);
    timeout.abort();
    if (first) return first;
    throw new Fault('ERR_HTTP_TIMEOUT', `not stored within ${timeoutMs} ms`, { remedy: 'retry' });
  };

const answer = (status: number, text: string): HttpResponse => ({ status, headers: {}, text });
