import type { Random } from '../../lib/backoff.ts';
import type { IncidentKind } from './incident.ts';

/** OTLP's SpanKind numbers. */
const kind = { internal: 1, server: 2, client: 3 } as const;

/** One span before it is put into OTLP's shape; times are relative to the visit's start. */
export interface DemoSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly children: readonly DemoSpan[];
}

/** One customer's request through the shop: storefront → catalog or cart → checkout → payment. */
export const visit = (incident: IncidentKind, random: Random): DemoSpan => {
  const dice = random();
  if (dice < 0.6) return browse(incident, random);
  if (dice < 0.9) return viewCart(incident, random);
  return placeOrder(incident, random);
};

const browse = (incident: IncidentKind, random: Random): DemoSpan => {
  const lookup = cachedRead('catalog', 'products', 2, incident, random);
  const catalog = server('catalog', 'GET', '/products/{id}', 2, [lookup], random);
  return storefront('GET', '/products/{id}', [call('storefront', catalog)], random);
};

const viewCart = (incident: IncidentKind, random: Random): DemoSpan => {
  const lookup = cachedRead('cart', 'sessions', 1, incident, random);
  const cart = server('cart', 'GET', '/cart', 1, [lookup], random);
  return storefront('GET', '/cart', [call('storefront', cart)], random);
};

const placeOrder = (incident: IncidentKind, random: Random): DemoSpan => {
  const slowMs = incident === 'slow-payments' ? 900 + 600 * random() : 0;
  const failed = random() < (incident === 'failing-payments' ? 0.35 : 0.002);
  const payment: DemoSpan = {
    ...server('payment', 'POST', '/charge', 40 + slowMs, [], random),
    failed,
    attributes: httpAttributes('POST', '/charge', failed ? 502 : 200),
  };
  const order = database('checkout', 'INSERT orders', 4, random);
  const checkout = server(
    'checkout',
    'POST',
    '/orders',
    5,
    [order, call('checkout', payment)],
    random,
  );
  return storefront('POST', '/checkout', [call('storefront', checkout)], random);
};

const storefront = (
  method: string,
  route: string,
  children: readonly DemoSpan[],
  random: Random,
): DemoSpan => server('storefront', method, route, 3, children, random);

/** A server span lasts its own work plus its children, one after the other; it fails when one does. */
const server = (
  service: string,
  method: string,
  route: string,
  workMs: number,
  children: readonly DemoSpan[],
  random: Random,
): DemoSpan => {
  const ownMs = jitter(workMs, random);
  const inSequence = sequence(children, ownMs / 2);
  const failed = children.some((it) => it.failed);
  return {
    service,
    name: `${method} ${route}`,
    kind: kind.server,
    startMs: 0,
    durationMs: ownMs + total(inSequence),
    failed,
    attributes: httpAttributes(method, route, failed ? 500 : 200),
    children: inSequence,
  };
};

const call = (service: string, callee: DemoSpan): DemoSpan => ({
  service,
  name: callee.name,
  kind: kind.client,
  startMs: 0,
  durationMs: callee.durationMs + 1,
  failed: callee.failed,
  attributes: {
    'server.address': callee.service,
    'http.request.method': callee.name.split(' ')[0] ?? '',
  },
  children: [{ ...callee, startMs: 0.5 }],
});

const cachedRead = (
  service: string,
  cache: string,
  workMs: number,
  incident: IncidentKind,
  random: Random,
): DemoSpan => {
  const hit = random() < (incident === 'cold-cache' ? 0.25 : 0.95);
  const read = hit ? [] : [database(service, `SELECT ${cache}`, 25, random)];
  const ownMs = jitter(workMs, random);
  return {
    service,
    name: `GET ${cache}`,
    kind: kind.client,
    startMs: 0,
    durationMs: ownMs + total(read),
    failed: false,
    attributes: { 'db.system.name': 'redis', 'cache.name': cache, 'cache.hit': hit },
    children: sequence(read, ownMs / 2),
  };
};

const database = (
  service: string,
  statement: string,
  workMs: number,
  random: Random,
): DemoSpan => ({
  service,
  name: statement,
  kind: kind.client,
  startMs: 0,
  durationMs: jitter(workMs, random),
  failed: false,
  attributes: { 'db.system.name': 'postgresql', 'db.query.summary': statement },
  children: [],
});

const httpAttributes = (method: string, route: string, status: number) => ({
  'http.request.method': method,
  'http.route': route,
  'http.response.status_code': status,
});

const sequence = (children: readonly DemoSpan[], fromMs: number): readonly DemoSpan[] => {
  let startMs = fromMs;
  return children.map((child) => {
    const placed = { ...child, startMs };
    startMs += child.durationMs;
    return placed;
  });
};

const total = (spans: readonly DemoSpan[]): number =>
  spans.reduce((sum, span) => sum + span.durationMs, 0);

/** Real latencies have a long tail: mostly near the middle, sometimes three times as long. */
const jitter = (middleMs: number, random: Random): number =>
  middleMs * (0.7 + 0.5 * random()) * (random() < 0.02 ? 3 : 1);
