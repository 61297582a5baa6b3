import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import { type Meter, secondsBounds } from '../lib/meter.ts';
import type { ServerTls } from '../lib/tls-material.ts';
import { alertEndpoints } from './alert-endpoints.ts';
import { type Authorize, addAuthorization, challenges } from './authorization.ts';
import { guardBrowsers, guardOf } from './browser-guard.ts';
import type { Endpoint } from './endpoint.ts';
import { addHealth } from './health.ts';
import { historyEndpoints } from './history-endpoints.ts';
import { createListener } from './listener.ts';
import { openApiOf } from './openapi.ts';
import { operationEndpoints } from './operation-endpoints.ts';
import { addPage } from './page.ts';
import type { ConsolePorts } from './ports.ts';
import { refusalOf } from './refusals.ts';
import { silenceEndpoints } from './silence-endpoints.ts';
import { slaEndpoints } from './sla-endpoints.ts';

const bodyBytesMax = 64 * 1024;
const requestMsMax = 30_000;
const connectionsMax = 1_000;

export interface ConsoleOptions {
  /** Port 0 picks a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** By which people reach the console through a proxy. */
  readonly externalUrl?: string;
  /** Without it everybody who reaches the port may use it. */
  readonly authorize?: Authorize;
  readonly tls?: ServerTls;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface ConsoleServer {
  /** Rejects with ERR_PORT_IN_USE or ERR_LISTEN, naming the key. */
  readonly start: () => Promise<{ readonly host: string; readonly port: number }>;
  /** Answers what has arrived, then closes. Safe twice and without start. */
  readonly stop: () => Promise<void>;
}

/** Health, metrics, the API and the page, on one port. */
export const createConsoleServer = (
  ports: ConsolePorts,
  options: ConsoleOptions,
): ConsoleServer => {
  const { listen, clock } = options;
  const app = fastify({
    bodyLimit: bodyBytesMax,
    serverFactory: createListener({ tls: options.tls, requestMsMax }),
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 300 },
    // Without this, a path that cannot be decoded would be answered in another shape.
    frameworkErrors: (error, request, reply: FastifyReply) => {
      const { status, code, message } = refusalOf(error, request.id);
      void reply.code(status).send({ error: { code, message, details: [] } });
    },
  });
  app.removeContentTypeParser('text/plain');
  app.server.maxConnections = connectionsMax;
  guard(app, options);
  if (options.authorize) addAuthorization(app, options.authorize, options);
  answerFailures(app, options.log);
  measure(app, options);

  const endpoints = [
    ...operationEndpoints(ports),
    ...alertEndpoints(ports),
    ...historyEndpoints(ports),
    ...silenceEndpoints(ports, clock),
    ...slaEndpoints(ports),
  ];
  for (const it of endpoints) addEndpoint(app, it);
  const description = openApiOf(endpoints, options.version);
  app.get('/api/v1/openapi.json', () => description);
  addHealth(app, ports, clock);
  addPage(app);

  return {
    start: async () => {
      try {
        // A copy: fastify writes into the object it is given.
        await app.listen({ ...listen });
      } catch (error) {
        throw listenFault(error, listen);
      }
      const address = app.server.address();
      const port = typeof address === 'object' && address ? address.port : listen.port;
      return { host: listen.host, port };
    },
    stop: () => app.close(),
  };
};

const guard = (app: FastifyInstance, { listen, externalUrl }: ConsoleOptions): void => {
  const allowed = guardOf(listen.host, externalUrl);
  app.addHook('onRequest', async ({ method, headers }, reply) => {
    reply.headers({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    const { host, origin, 'sec-fetch-site': fetchSite } = headers;
    guardBrowsers({ method, host, origin, fetchSite: fetchSite?.toString() }, allowed);
  });
};

const answerFailures = (app: FastifyInstance, log: Log): void => {
  app.setNotFoundHandler((request) => {
    throw new Fault('ERR_PATH_UNKNOWN', `there is no ${request.method} ${pathOf(request.url)}`, {
      remedy: 'reject',
    });
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, unforeseen, retryAfterMs, ...said } = refusalOf(error, request.id);
    if (unforeseen) {
      log.error('console_request_failed', {
        request: request.id,
        path: pathOf(request.url),
        error,
      });
    }
    if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1_000));
    if (status === 401) reply.header('www-authenticate', challenges);
    return reply.code(status).send({ error: said });
  });
};

const pathOf = (url: string): string => url.split('?')[0]?.slice(0, 200) ?? '';

const measure = (app: FastifyInstance, { meter, clock }: ConsoleOptions): void => {
  const answered = meter.histogram('tocsin_console_request_time', {
    description: 'Time to answer a request on the console port.',
    unit: 's',
    bounds: secondsBounds,
  });
  const began = new WeakMap<object, number>();
  app.addHook('onRequest', async (request) => {
    began.set(request, clock.monotonicMs());
  });
  app.addHook('onResponse', async (request, reply) => {
    const tookMs = clock.monotonicMs() - (began.get(request) ?? clock.monotonicMs());
    const route = request.routeOptions.url ?? 'unknown';
    answered(tookMs / 1_000, { route, method: request.method, status: reply.statusCode });
  });
};

const addEndpoint = (app: FastifyInstance, it: Endpoint): void => {
  app.route({
    method: it.method,
    url: it.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    handler: ({ params, query, body }) => it.run({ params, query, body }),
  });
};

const listenFault = (error: unknown, { host, port }: ConsoleOptions['listen']): Fault => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const place = `${host.includes(':') ? `[${host}]` : host}:${port} (listen.console)`;
  return code === 'EADDRINUSE'
    ? new Fault('ERR_PORT_IN_USE', `${place} is in use by another program`, {
        remedy: 'reject',
        cause: error,
      })
    : new Fault('ERR_LISTEN', `cannot listen on ${place}: ${messageOf(error)}`, {
        remedy: 'reject',
        cause: error,
      });
};
