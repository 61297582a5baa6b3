import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import type { Encoding } from '../model/ingest.ts';
import { codings } from './coding.ts';
import { mediaTypes } from './http-request.ts';
import type { Refusal } from './refusal.ts';
import { statusBody } from './status.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A google.rpc.Status in the request's encoding, with the headers that HTTP wants beside it. */
export const refusalAnswer = (refusal: Refusal, encoding: Encoding, type: string): HttpAnswer => ({
  status: refusal.httpStatus,
  headers: { 'content-type': type, ...headersFor(refusal) },
  body: statusBody(refusal, encoding),
});

/** RFC 6750, section 3: no error code for whoever showed nothing. */
const challenges: Readonly<Record<string, string>> = {
  ERR_KEY_MISSING: 'Bearer realm="tocsin"',
  ERR_KEY_UNKNOWN: 'Bearer realm="tocsin", error="invalid_token"',
  ERR_KEY_EXPIRED: 'Bearer realm="tocsin", error="invalid_token"',
  ERR_KEY_SCOPE: 'Bearer realm="tocsin", error="insufficient_scope"',
};

/** RFC 9110: 405 needs Allow, 415 is better with what would do; Retry-After is in whole seconds. */
const headersFor = ({ code, retryAfterMs }: Refusal): Readonly<Record<string, string>> => {
  const challenge = challenges[code];
  if (challenge !== undefined) return { 'www-authenticate': challenge };
  if (code === 'ERR_OTLP_METHOD') return { allow: 'POST, OPTIONS' };
  if (code === 'ERR_OTLP_TYPE') return { accept: mediaTypes.join(', ') };
  if (code === 'ERR_OTLP_CODING') return { 'accept-encoding': codings.join(', ') };
  if (retryAfterMs === undefined) return {};
  return { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) };
};

/** Sends an answer to a request that was read to its end; resolves when it is out. */
export const sendAnswer = (
  response: ServerResponse,
  { status, headers, body }: HttpAnswer,
  closing: boolean,
): Promise<void> =>
  new Promise((resolve) => {
    response.once('close', resolve);
    response.writeHead(status, {
      ...headers,
      ...(status !== 204 && { 'content-length': body.length }),
      ...(closing && { connection: 'close' }),
    });
    response.end(body, resolve);
  });

/** Up to this size the rest of a refused request is awaited and the connection kept. */
const keptBytesMax = 1024 * 1024;

export interface Lingering {
  readonly clock: Clock;
  readonly lingerMsMax: number;
  /** The connection is not to be kept in any case. */
  readonly closing: boolean;
}

/**
 * Sends an answer before the request has been read. What is still on its way is read and dropped
 * for `lingerMsMax`, since closing at once would reset the connection and could take the answer
 * with it. The connection is then closed, unless little was to come and all of it came.
 */
export const sendEarlyAnswer = (
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: HttpAnswer,
  { clock, lingerMsMax, closing }: Lingering,
): Promise<void> =>
  new Promise((resolve) => {
    const announcedBytes = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
    const unkept = announcedBytes > keptBytesMax || request.headers.expect !== undefined;
    const ended = (): void => {
      cancelTimer();
      response.end(resolve);
    };
    response.once('close', () => {
      cancelTimer();
      resolve();
    });
    response.writeHead(status, {
      ...headers,
      'content-length': body.length,
      ...((closing || unkept) && { connection: 'close' }),
    });
    response.write(body);
    const cancelTimer = clock.after(lingerMsMax, () => {
      response.end();
      request.socket.destroySoon();
    });
    request.once('end', ended).resume();
  });
