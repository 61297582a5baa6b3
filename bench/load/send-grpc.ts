import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import {
  readPartialSuccess,
  readRetryDelayMs,
  type Sender,
  type SenderOptions,
  type Sent,
} from './send.ts';

const services = { traces: 'trace.v1.Trace', metrics: 'metrics.v1.Metrics', logs: 'logs.v1.Logs' };

/** OTLP/gRPC by hand over HTTP/2: a unary call is one frame out, one frame and trailers back. */
export const createGrpcSender = (options: SenderOptions): Sender => {
  const { endpoint, signal, coding, connections, answerMsMax } = options;
  const sessions: (ClientHttp2Session | undefined)[] = Array.from({ length: connections });
  let turn = 0;
  const headers = {
    ...options.headers,
    ':method': 'POST',
    ':path': `/opentelemetry.proto.collector.${services[signal]}Service/Export`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(coding === 'gzip' && { 'grpc-encoding': 'gzip' }),
  };

  /** The next connection in turn, opened anew when it was lost. */
  const nextSession = (): ClientHttp2Session => {
    turn = (turn + 1) % connections;
    const known = sessions[turn];
    if (known && !known.closed && !known.destroyed) return known;
    const session = connect(endpoint.origin);
    session.on('error', () => {});
    session.on('goaway', () => session.close());
    session.setTimeout(answerMsMax, () => session.destroy());
    sessions[turn] = session;
    return session;
  };

  const send = (body: Uint8Array): Promise<Sent> =>
    new Promise((resolve) => {
      const frame = Buffer.alloc(5);
      frame[0] = coding === 'gzip' ? 1 : 0;
      frame.writeUInt32BE(body.length, 1);
      const stream = nextSession().request(headers);
      const chunks: Buffer[] = [];
      let trailers: IncomingHttpHeaders = {};
      const late = setTimeout(() => stream.destroy(new Error('no answer in time')), answerMsMax);
      let failure = 'the stream ended without a status';
      stream.on('response', (it) => (trailers = it));
      stream.on('trailers', (it) => (trailers = { ...trailers, ...it }));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', (error) => (failure = error.message));
      stream.once('close', () => {
        clearTimeout(late);
        resolve(readAnswer(trailers, Buffer.concat(chunks), failure));
      });
      stream.write(frame);
      stream.end(body);
    });
  return {
    send,
    close: () => {
      for (const it of sessions) it?.destroy();
    },
  };
};

/** CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const retryable = new Set(['1', '4', '10', '11', '14', '15']);
const resourceExhausted = '8';

const readAnswer = (trailers: IncomingHttpHeaders, body: Buffer, failure: string): Sent => {
  const status = trailers['grpc-status'];
  if (status === undefined) return { kind: 'unanswered', why: failure };
  if (status === '0') return { kind: 'acknowledged', ...readPartialSuccess(body.subarray(5)) };
  const details = trailers['grpc-status-details-bin'];
  const afterMs =
    typeof details === 'string' ? readRetryDelayMs(Buffer.from(details, 'base64')) : undefined;
  const why = `gRPC ${String(status)}`;
  const again =
    retryable.has(String(status)) || (status === resourceExhausted && afterMs !== undefined);
  return again ? { kind: 'later', afterMs, why } : { kind: 'refused', why };
};
