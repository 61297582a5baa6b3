import type { Random } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/fault.ts';
import type { HttpClient } from '../../lib/http-client.ts';
import type { Log } from '../../lib/log.ts';
import { type IncidentKind, incidentAt } from './incident.ts';
import { metricsRequest, type ShopCounters, tracesRequest } from './otlp-json.ts';
import { type DemoSpan, visit } from './visit.ts';

export interface DemoOptions {
  /** Base of OTLP/HTTP, such as `http://127.0.0.1:4318`. */
  readonly endpoint: string;
  readonly visitsPerSecond: number;
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const sendTimeoutMs = 5_000;

/**
 * A small shop that sends live telemetry once a second, with an incident every few minutes.
 * Runs until `signal` aborts; what cannot be sent is left out, as a real exporter would after a while.
 */
export const runDemoShop = async (options: DemoOptions, signal: AbortSignal): Promise<void> => {
  const { clock, log, random } = options;
  const startMs = clock.nowMs();
  const counters: ShopCounters = {
    startMs,
    requests: new Map(),
    cacheHits: new Map(),
    cacheMisses: new Map(),
  };
  let last: IncidentKind = 'none';
  while (!signal.aborted) {
    const nowMs = clock.nowMs();
    const incident = incidentAt(nowMs - startMs);
    if (incident !== last) log.info('demo_incident', { incident, was: last });
    last = incident;
    const visits = Array.from({ length: options.visitsPerSecond }, () => ({
      root: visit(incident, random),
      startMs: nowMs - 1_000 * random(),
    }));
    for (const { root } of visits) count(root, counters);
    await send(options, '/v1/traces', tracesRequest(visits, random));
    await send(options, '/v1/metrics', metricsRequest(counters, nowMs));
    await clock.sleep(Math.max(0, 1_000 - (clock.nowMs() - nowMs)), signal);
  }
};

const count = (span: DemoSpan, counters: ShopCounters): void => {
  const cache = span.attributes['cache.name'];
  if (span.attributes['http.route'] !== undefined) increment(counters.requests, span.service);
  if (typeof cache === 'string') {
    increment(
      span.attributes['cache.hit'] ? counters.cacheHits : counters.cacheMisses,
      span.service,
    );
  }
  for (const child of span.children) count(child, counters);
};

const increment = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};

const send = async (options: DemoOptions, path: string, body: string): Promise<void> => {
  try {
    await options.http({
      method: 'POST',
      url: `${options.endpoint}${path}`,
      headers: { 'content-type': 'application/json' },
      body,
      timeoutMs: sendTimeoutMs,
      responseBytesMax: 64_000,
    });
  } catch (error) {
    options.log.debug('demo_send_failed', { path, message: messageOf(error) });
  }
};
