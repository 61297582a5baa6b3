import {
  LogLevel,
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebClient,
} from '@slack/web-api';
import { Fault, messageOf } from '../lib/fault.ts';
import type { HttpClient } from '../lib/http-client.ts';
import type { Log } from '../lib/log.ts';
import type { Secret } from '../lib/secret.ts';
import type { DeliveryOutcome } from '../model/notification.ts';
import { answerText, outcomeOfFault } from './http-answer.ts';
import type { SlackBody } from './render-slack.ts';

const timeoutMs = 15_000;
const responseBytesMax = 65_536;

/** Errors in an answer with status 200 that pass by themselves; all others need a person. */
const passingErrors: readonly string[] = [
  'fatal_error',
  'internal_error',
  'rate_limited',
  'ratelimited',
  'message_limit_exceeded',
  'request_timeout',
  'service_unavailable',
  'team_added_to_org',
];

export interface SlackPost extends SlackBody {
  readonly channel?: string;
  readonly username?: string;
  readonly threadTs?: string;
  /** Shows a reply in the channel as well as in its thread. */
  readonly broadcast?: boolean;
}

export interface SlackUpdate extends SlackBody {
  readonly channel: string;
  readonly ts: string;
}

export interface SlackApi {
  /** `delivered` with the reference `channel/ts`, by which it can be replied to and updated. */
  readonly post: (message: SlackPost, signal: AbortSignal) => Promise<DeliveryOutcome>;
  readonly update: (message: SlackUpdate, signal: AbortSignal) => Promise<DeliveryOutcome>;
}

export interface SlackApiParts {
  readonly http: HttpClient;
  readonly log: Log;
}

/** Slack's Web API with its own retries and queues off, over our own HTTP client. */
export const createSlackApi = (
  token: Secret,
  apiUrl: string | undefined,
  parts: SlackApiParts,
): SlackApi => {
  const clientFor = (signal: AbortSignal): WebClient =>
    new WebClient(token.reveal(), {
      ...(apiUrl !== undefined && { slackApiUrl: apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/` }),
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      allowAbsoluteUrls: false,
      fetch: fetchOver(parts.http, signal),
      logger: quietLogger(parts.log),
    });
  return {
    post: ({ threadTs, broadcast = false, channel = '', ...message }, signal) =>
      settled(async () => {
        const post = {
          ...mutable(message),
          ...(message.username !== undefined && { username: message.username }),
          channel,
          unfurl_links: false,
          unfurl_media: false,
        };
        const { chat } = clientFor(signal);
        const reply = threadTs !== undefined && { thread_ts: threadTs };
        const answer = await (reply && broadcast
          ? chat.postMessage({ ...post, ...reply, reply_broadcast: true })
          : chat.postMessage({ ...post, ...reply }));
        return `${answer.channel}/${answer.ts}`;
      }),
    update: ({ channel, ts, ...message }, signal) =>
      settled(async () => {
        await clientFor(signal).chat.update({ ...mutable(message), channel, ts });
        return `${channel}/${ts}`;
      }),
  };
};

/** The client's types want what is theirs to change. */
const mutable = ({ text, attachments }: SlackBody) => ({
  text,
  attachments: attachments.map((it) => ({
    ...it,
    blocks: it.blocks.map((block) =>
      block.type === 'context'
        ? { ...block, elements: [...block.elements] }
        : 'fields' in block
          ? { ...block, fields: [...block.fields] }
          : block,
    ),
  })),
});

const settled = async (call: () => Promise<string>): Promise<DeliveryOutcome> => {
  try {
    const reference = await call();
    return { kind: 'delivered', answer: `ok ${reference}`, reference };
  } catch (error) {
    return outcomeOfError(error);
  }
};

const outcomeOfError = (error: unknown): DeliveryOutcome => {
  const answer = answerText(messageOf(error));
  if (error instanceof WebAPIRateLimitedError) {
    return {
      kind: 'retry',
      reason: 'rate-limited',
      answer,
      retryAfterMs: error.retryAfter * 1_000,
    };
  }
  if (error instanceof WebAPIPlatformError) {
    const reason = error.data.error;
    // What is no JSON, such as a proxy's page, the client passes off as Slack's error too.
    if (!/^[a-z_]+$/.test(reason)) return { kind: 'retry', reason: 'not-slack', answer };
    return { kind: passingErrors.includes(reason) ? 'retry' : 'refused', reason, answer };
  }
  if (error instanceof WebAPIHTTPError) {
    const { statusCode } = error;
    const kind = statusCode >= 500 || statusCode === 408 ? 'retry' : 'refused';
    return { kind, reason: `status-${statusCode}`, answer };
  }
  const cause = faultIn(error);
  return cause ? outcomeOfFault(cause) : { kind: 'retry', reason: 'failed', answer };
};

const faultIn = (error: unknown): Fault | undefined => {
  if (error instanceof Fault) return error;
  if (typeof error !== 'object' || error === null) return undefined;
  const inner = 'original' in error ? error.original : 'cause' in error ? error.cause : undefined;
  return inner === undefined ? undefined : faultIn(inner);
};

type Fetch = NonNullable<NonNullable<ConstructorParameters<typeof WebClient>[1]>['fetch']>;

const fetchOver =
  (http: HttpClient, signal: AbortSignal): Fetch =>
  async (url, init = {}) => {
    const response = await http({
      method: 'POST',
      url: String(url),
      headers: init.headers ?? {},
      body: typeof init.body === 'string' ? init.body : '',
      timeoutMs,
      responseBytesMax,
      signal,
    });
    const { status, headers, text } = response;
    return {
      ok: status >= 200 && status < 300,
      status,
      statusText: String(status),
      url: String(url),
      headers: {
        get: (name) => headers[name.toLowerCase()] ?? null,
        entries: () => Object.entries(headers)[Symbol.iterator](),
      },
      arrayBuffer: async () => new TextEncoder().encode(text).buffer,
      json: async () => JSON.parse(text),
      text: async () => text,
    };
  };

/** What the client says is said by the outcome; at debug level it would print whole messages. */
const quietLogger = (log: Log) => ({
  debug: () => {},
  info: () => {},
  warn: (...parts: unknown[]) =>
    log.debug('slack_client_warned', { text: parts.map(String).join(' ') }),
  error: (...parts: unknown[]) =>
    log.debug('slack_client_failed', { text: parts.map(String).join(' ') }),
  setLevel: () => {},
  getLevel: () => LogLevel.ERROR,
  setName: () => {},
});
