import {
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { Fault, remedyOf } from '../lib/fault.ts';
import { serverTlsOptions } from '../lib/tls-material.ts';
import { clientName } from './client-name.ts';
import { shareConnections } from './connection-share.ts';
import { trackConnections } from './connections.ts';
import { exportResponse } from './export-response.ts';
import { sendMessage, sendRefusal } from './grpc-answer.ts';
import { readGrpcMessage } from './grpc-body.ts';
import { type GrpcAsk, readCall } from './grpc-call.ts';
import { framing } from './grpc-message.ts';
import { createIntake, type Exchange, type Intake } from './intake.ts';
import { listen } from './listen.ts';
import type { OtlpServer, OtlpServerOptions } from './otlp-server.ts';
import { peerOf } from './peer.ts';
import { followTls } from './secure.ts';
import { createSessions, type Sessions } from './sessions.ts';

/** Measured: windows of this size make an uncompressed request 28 % cheaper than the defaults. */
const streamWindowBytes = 4 * 1024 * 1024;
const sessionWindowBytes = 64 * 1024 * 1024;
const frameBytesMax = 1024 * 1024;

/**
 * OTLP/gRPC 1.11 on raw `node:http2`: unary `Export` of the trace, metrics and logs services. See
 * README.md beside this file for what the specification demands and which test shows it.
 */
export const createOtlpGrpcServer = (options: OtlpServerOptions): OtlpServer => {
  const { limits, tls } = options;
  const sessions = createSessions(options.clock, limits);
  const http2 = {
    settings: {
      initialWindowSize: streamWindowBytes,
      maxFrameSize: frameBytesMax,
      maxConcurrentStreams: limits.streamsMax,
      maxHeaderListSize: limits.headerBytesMax,
      enablePush: false,
    },
  };
  const server = tls
    ? createSecureServer({ ...http2, ...serverTlsOptions(tls, limits.headersMsMax) })
    : createServer(http2);
  const connections = trackConnections(server);
  const intake = createIntake(options, 'grpc', connections.count);
  followTls(server, tls, intake, options.log);
  shareConnections(server, limits.connectionsMax, intake.connectionRefused);
  server.on('session', (session) => {
    session.setLocalWindowSize(sessionWindowBytes);
    sessions.add(session);
  });
  // Whoever does not speak HTTP/2, or breaks it, only loses its own connection.
  server.on('sessionError', (error: Error) => intake.connectionRefused('broken', error.message));
  server.on('stream', (stream, headers) => handle({ options, intake, sessions, stream }, headers));

  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    sessions.closeAll();
    await intake.drain();
    sessions.destroyAll();
    connections.destroyAll();
    await closed;
  };

  let stopping: Promise<void> | undefined;
  return {
    start: async () => {
      const address = await listen(server, {
        address: options.listen,
        key: 'listen.otlp_grpc',
        onError: (error) => intake.connectionRefused('broken', error.message),
      });
      options.log.info('listening', { protocol: 'otlp_grpc', ...address });
      return address;
    },
    stop: () => (stopping ??= stop()),
  };
};

interface Context {
  readonly options: OtlpServerOptions;
  readonly intake: Intake;
  readonly sessions: Sessions;
  readonly stream: ServerHttp2Stream;
}

interface Call extends Context {
  readonly headers: IncomingHttpHeaders;
  readonly exchange: Exchange;
}

const handle = (context: Context, headers: IncomingHttpHeaders): void => {
  const { stream, intake, sessions } = context;
  // A broken stream shows as `close` to whoever waits for it.
  stream.on('error', () => {});
  const idle = sessions.busy(stream.session);
  const call: Call = { ...context, headers, exchange: intake.open(peerOf(stream.session?.socket)) };
  serve(call, readCall(headers))
    .catch((error: unknown) => refuse(call, error))
    .finally(() => {
      idle();
      call.exchange.end();
    });
};

const serve = async (call: Call, ask: GrpcAsk): Promise<void> => {
  switch (ask.kind) {
    case 'refused':
      call.exchange.understood(ask.signal, ask.signal === 'none' ? 'none' : 'protobuf');
      return refuse(call, ask.fault, ask.httpStatus);
    case 'health':
      return serveHealth(call);
    case 'export':
      return serveExport(call, ask);
  }
};

const serveExport = async (
  call: Call,
  { signal, coding, timeoutMs }: Extract<GrpcAsk, { kind: 'export' }>,
): Promise<void> => {
  const { options, exchange, stream, headers } = call;
  const { clock, limits } = options;
  exchange.understood(signal, 'protobuf');
  exchange.authorize(headers.authorization, () => clientName(stream.session?.socket));
  exchange.admit(0);
  // The caller gives up then; the work goes on, since what is stored cannot be taken back.
  const cancelDeadline =
    timeoutMs === undefined
      ? () => {}
      : clock.after(timeoutMs, () => void refuse(call, late(timeoutMs)));
  try {
    const { hold } = exchange;
    const { compressed, bytes } = await readGrpcMessage(stream, { hold, limits, clock });
    if (compressed && coding === 'identity') {
      throw framing('the message is flagged as compressed, but there is no grpc-encoding');
    }
    const acceptance = await exchange.take({
      signal,
      encoding: 'protobuf',
      coding: compressed ? coding : 'identity',
      wire: bytes,
    });
    if (exchange.isAnswered() || stream.destroyed) return;
    exchange.answered('OK');
    const response = exportResponse(signal, 'protobuf', acceptance);
    await sent(call, () => sendMessage(stream, response));
  } finally {
    cancelDeadline();
  }
};

/** grpc.health.v1: SERVING is 1, NOT_SERVING 2. */
const serveHealth = async (call: Call): Promise<void> => {
  const { exchange, intake, stream } = call;
  stream.resume();
  exchange.answered('OK');
  await sent(call, () => sendMessage(stream, Buffer.from([8, intake.stopping() ? 2 : 1])));
};

const refuse = async (
  call: Call,
  error: unknown,
  httpStatus: 200 | 405 | 415 = 200,
): Promise<void> => {
  const { exchange, stream } = call;
  // Once the deadline was told, only a mistake of ours is news.
  if (exchange.isAnswered() && remedyOf(error) !== 'unforeseen') return;
  const refusal = exchange.refuse(error);
  if (exchange.isAnswered() || stream.destroyed) return;
  exchange.answered(refusal.grpcCode);
  await sent(call, () => sendRefusal(stream, refusal, httpStatus));
};

/**
 * Resolves when the stream is over, so that a drain does not cut its last bytes. A caller that
 * opens no window for the answer is given as long as one that sends slowly.
 */
const sent = ({ options, stream }: Call, send: () => void): Promise<void> =>
  new Promise((resolve) => {
    const cancelTimer = options.clock.after(options.limits.bodyMsMax, () => stream.destroy());
    stream.once('close', () => {
      cancelTimer();
      resolve();
    });
    send();
  });

const late = (timeoutMs: number): Fault =>
  new Fault('ERR_RECEIVE_DEADLINE', `not stored within the caller's ${timeoutMs} ms`, {
    remedy: 'retry',
  });
