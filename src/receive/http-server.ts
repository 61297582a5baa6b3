import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { serverTlsOptions } from '../lib/tls-material.ts';
import type { Encoding } from '../model/ingest.ts';
import { clientName } from './client-name.ts';
import { shareConnections } from './connection-share.ts';
import { type Connections, trackConnections } from './connections.ts';
import { type CorsHeaders, type CorsPolicy, createCors, preflightHeaders } from './cors.ts';
import { exportResponse } from './export-response.ts';
import { type HttpAnswer, refusalAnswer, sendAnswer, sendEarlyAnswer } from './http-answer.ts';
import { readHttpBody } from './http-body.ts';
import { answerBrokenHttp } from './http-broken.ts';
import { encodingOf, type HttpAsk, readHead } from './http-request.ts';
import { createIntake, type Exchange, type Intake } from './intake.ts';
import { listen } from './listen.ts';
import type { OtlpServer, OtlpServerOptions } from './otlp-server.ts';
import { peerOf } from './peer.ts';
import { followTls } from './secure.ts';

export interface OtlpHttpServerOptions extends OtlpServerOptions {
  /** Without it no page of another origin may send. */
  readonly cors?: CorsPolicy;
}

/**
 * OTLP/HTTP 1.11 on `node:http`: `POST /v1/traces`, `/v1/metrics`, `/v1/logs`, protobuf and JSON.
 * See README.md beside this file for what the specification demands and which test shows it.
 */
export const createOtlpHttpServer = (options: OtlpHttpServerOptions): OtlpServer => {
  const { limits, tls } = options;
  const http = {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersMsMax,
    // Bodies have a limit of their own, whose end is an answer that senders retry.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleMsMax,
    connectionsCheckingInterval: Math.min(1_000, limits.headersMsMax),
    noDelay: true,
  };
  const server = tls
    ? createSecureServer({ ...http, ...serverTlsOptions(tls, limits.headersMsMax) })
    : createServer(http);
  server.timeout = limits.idleMsMax;
  const connections = trackConnections(server);
  const intake = createIntake(options, 'http', connections.count);
  followTls(server, tls, intake, options.log);
  const handle = createHandler(options, intake, connections);
  shareConnections(server, limits.connectionsMax, intake.connectionRefused);
  server.on('request', handle);
  // curl and others ask before they send a large body; the head is checked first.
  server.on('checkContinue', (request, response) => {
    handle(request, response, () => response.writeContinue());
  });
  server.on('clientError', (error, socket) => {
    // Failed in its handshake, and counted there.
    if (tls && socket.destroyed) return;
    answerBrokenHttp(error, socket, intake);
  });

  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    connections.closeIdle();
    await intake.drain();
    server.closeAllConnections();
    connections.destroyAll();
    await closed;
  };

  let stopping: Promise<void> | undefined;
  return {
    start: async () => {
      const address = await listen(server, {
        address: options.listen,
        key: 'listen.otlp_http',
        onError: (error) => intake.connectionRefused('broken', error.message),
      });
      options.log.info('listening', { protocol: 'otlp_http', ...address });
      return address;
    },
    stop: () => (stopping ??= stop()),
  };
};

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  beforeBody?: () => void,
) => void;

const createHandler = (
  options: OtlpHttpServerOptions,
  intake: Intake,
  connections: Connections,
): Handler => {
  const corsHeaders = createCors(options.cors ?? { originsAllowed: [] });
  return (request, response, beforeBody = () => {}) => {
    const exchange = intake.open(peerOf(request.socket));
    const idle = connections.busy(request.socket);
    response.on('error', () => {});
    const call: Call = { options, intake, exchange, request, response, beforeBody, corsHeaders };
    serve(call)
      .catch((error: unknown) => {
        exchange.refuse(error);
        response.destroy();
      })
      .finally(() => {
        idle();
        exchange.end();
      });
  };
};

interface Call {
  readonly options: OtlpHttpServerOptions;
  readonly intake: Intake;
  readonly exchange: Exchange;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Tells a sender that waits for it that its body is wanted. */
  readonly beforeBody: () => void;
  readonly corsHeaders: CorsHeaders;
}

const serve = async (call: Call): Promise<void> => {
  const { headers, method = '', url = '' } = call.request;
  const ask = readHead(
    {
      method,
      url,
      contentType: headers['content-type'],
      contentEncoding: headers['content-encoding'],
      contentLength: headers['content-length'],
    },
    call.options.limits.bodyBytesMax,
  );
  switch (ask.kind) {
    case 'refused':
      call.exchange.understood(ask.signal, ask.encoding);
      return refuse(call, ask.fault);
    case 'options':
      return sendPreflight(call);
    case 'export':
      try {
        return await serveExport(call, ask);
      } catch (error) {
        return await refuse(call, error);
      }
  }
};

const serveExport = async (
  call: Call,
  ask: Extract<HttpAsk, { kind: 'export' }>,
): Promise<void> => {
  const { options, exchange, request } = call;
  const { signal, encoding, coding, announcedBytes } = ask;
  exchange.understood(signal, encoding);
  exchange.authorize(request.headers.authorization, () => clientName(request.socket));
  exchange.admit(announcedBytes);
  call.beforeBody();
  const { clock, limits } = options;
  const { hold } = exchange;
  const wire = await readHttpBody(request, { announcedBytes, hold, limits, clock });
  const acceptance = await exchange.take({ signal, encoding, coding, wire });
  const body = exportResponse(signal, encoding, acceptance);
  await send(call, { status: 200, headers: { 'content-type': typeFor(request, encoding) }, body });
};

const sendPreflight = (call: Call): Promise<void> => {
  const { headers } = call.request;
  return send(call, {
    status: 204,
    headers: { allow: 'POST, OPTIONS', ...('origin' in headers && preflightHeaders(headers)) },
    body: new Uint8Array(0),
  });
};

const refuse = (call: Call, error: unknown): Promise<void> => {
  const refusal = call.exchange.refuse(error);
  // The answer may linger; the bytes need not.
  call.exchange.hold.giveAll(false);
  // Whoever did not say protobuf can at least read JSON, which is a Status as well.
  const encoding = encodingOf(call.request.headers['content-type']) ?? 'json';
  return send(call, refusalAnswer(refusal, encoding, typeFor(call.request, encoding)));
};

/** "The server MUST use the same Content-Type in the response as it received in the request." */
const typeFor = (request: IncomingMessage, encoding: Encoding): string => {
  if (encoding === 'json') return 'application/json';
  return request.headers['content-type']?.split(';', 1)[0]?.trim() ?? 'application/x-protobuf';
};

/** Resolves when the answer is out, or there is nobody to send it to. */
const send = async (call: Call, answer: HttpAnswer): Promise<void> => {
  const { options, intake, exchange, request, response, corsHeaders } = call;
  if (response.destroyed || request.socket.destroyed) return;
  const headers = { ...answer.headers, ...corsHeaders(request.headers) };
  exchange.answered(String(answer.status));
  if (request.complete || !hasBody(request)) {
    return sendAnswer(response, { ...answer, headers }, intake.stopping());
  }
  await sendEarlyAnswer(
    request,
    response,
    { ...answer, headers },
    {
      clock: options.clock,
      lingerMsMax: options.limits.lingerMsMax,
      closing: intake.stopping(),
    },
  );
};

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
