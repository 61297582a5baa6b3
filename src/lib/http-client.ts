import { Agent, errors, request } from 'undici';
import { Fault, messageOf } from './fault.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** For the whole exchange, connection included. */
  readonly timeoutMs: number;
  /** The answer is cut here; what is beyond is dropped with the connection. */
  readonly responseBytesMax: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; repeated headers are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** A function rather than undici itself, so that a stage can be given another one. */
export type HttpClient = (request: HttpRequest) => Promise<HttpResponse>;

/** One pool for the process: few idle connections, none kept longer than a peer usually keeps them. */
const agent = new Agent({ connections: 32, keepAliveTimeout: 4_000, keepAliveMaxTimeout: 60_000 });

/**
 * Sends one request and reads its answer whatever its status; redirects are answers, never followed.
 * Rejects with a Fault ERR_HTTP_TIMEOUT or ERR_HTTP_UNREACHABLE (`retry`), ERR_HTTP_ABORTED when
 * `signal` ended it, ERR_HTTP_URL (`reject`) when the URL is none.
 */
export const httpRequest: HttpClient = async (options) => {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  try {
    const answer = await request(options.url, {
      method: options.method,
      headers: { ...options.headers },
      body: options.body ?? null,
      dispatcher: agent,
      signal,
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
    });
    const text = await readText(answer.body, options.responseBytesMax);
    return { status: answer.statusCode, headers: flatten(answer.headers), text };
  } catch (error) {
    throw faultOf(error, options, timeout);
  }
};

const readText = async (body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of body) {
    chunks.push(chunk.subarray(0, bytesMax - held));
    held += chunk.length;
    // Leaving the loop destroys the stream, and with it the rest of the answer.
    if (held >= bytesMax) break;
  }
  return Buffer.concat(chunks).toString('utf8');
};

const flatten = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );

const faultOf = (error: unknown, options: HttpRequest, timeout: AbortSignal): Fault => {
  const place = originOf(options.url);
  if (place === undefined || error instanceof errors.InvalidArgumentError) {
    return new Fault('ERR_HTTP_URL', `cannot send a request: ${messageOf(error)}`, {
      remedy: 'reject',
      cause: error,
    });
  }
  if (timeout.aborted) {
    const message = `${place} did not answer within ${options.timeoutMs} ms`;
    return new Fault('ERR_HTTP_TIMEOUT', message, { remedy: 'retry', cause: error });
  }
  if (options.signal?.aborted) {
    const message = `the request to ${place} was given up`;
    return new Fault('ERR_HTTP_ABORTED', message, { remedy: 'retry', cause: error });
  }
  const message = `${place} cannot be reached: ${messageOf(error)}`;
  return new Fault('ERR_HTTP_UNREACHABLE', message, { remedy: 'retry', cause: error });
};

/** Without path and query, where secrets tend to be. */
const originOf = (url: string): string | undefined =>
  URL.canParse(url) ? new URL(url).origin : undefined;

/** Closes idle connections so that a stopping process does not wait for them. */
export const closeHttpConnections = (): Promise<void> => agent.close();
