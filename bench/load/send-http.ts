import { Agent, type IncomingMessage, request } from 'node:http';
import { readPartialSuccess, type Sender, type SenderOptions, type Sent } from './send.ts';

/** OTLP/HTTP with protobuf, over `connections` connections that are kept. */
export const createHttpSender = (options: SenderOptions): Sender => {
  const { endpoint, signal, coding, connections, answerMsMax } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const path = `${endpoint.pathname.replace(/\/$/, '')}/v1/${signal}`;
  const headers = {
    ...options.headers,
    'content-type': 'application/x-protobuf',
    ...(coding === 'gzip' && { 'content-encoding': 'gzip' }),
  };
  const { hostname: host, port } = endpoint;

  const send = (body: Uint8Array): Promise<Sent> =>
    new Promise((resolve) => {
      const lost = (error: Error) => resolve({ kind: 'unanswered', why: error.message });
      const asking = request(
        {
          host,
          port,
          path,
          method: 'POST',
          agent,
          headers: { ...headers, 'content-length': body.length },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', lost);
          response.once('end', () => resolve(readAnswer(response, Buffer.concat(chunks))));
        },
      );
      asking.setTimeout(answerMsMax, () => asking.destroy(new Error('no answer in time')));
      asking.once('error', lost);
      asking.end(body);
    });
  return { send, close: () => agent.destroy() };
};

/** The specification names exactly these as worth trying again. */
const retryable = new Set([429, 502, 503, 504]);

const readAnswer = ({ statusCode: status = 0, headers }: IncomingMessage, body: Buffer): Sent => {
  if (status === 200) return { kind: 'acknowledged', ...readPartialSuccess(body) };
  const why = `HTTP ${status}`;
  if (!retryable.has(status)) return { kind: 'refused', why };
  const seconds = Number(headers['retry-after']);
  return { kind: 'later', afterMs: seconds >= 0 ? seconds * 1000 : undefined, why };
};
