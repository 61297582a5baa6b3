import { Webhook } from 'standardwebhooks';
import type { Test } from 'tap';
import { startHttp, type TestAnswer } from './http-server.ts';

export interface WebhookBody {
  readonly version: string;
  readonly status: 'firing' | 'resolved';
  readonly receiver: string;
  readonly notification_reason: string;
  readonly commonLabels: Readonly<Record<string, string>>;
  readonly alerts: readonly Readonly<Record<string, unknown>>[];
  readonly tocsin: Readonly<Record<string, unknown>> & { readonly kind: string };
}

export interface WebhookMessage {
  readonly id: string;
  readonly body: WebhookBody;
  /** Exactly what came. */
  readonly text: string;
}

export interface WebhookOptions {
  /** `whsec_…` or plain text; then every request must carry a signature that holds. */
  readonly secret?: string;
  /** Another answer than 200, asked for each attempt; nothing is recorded as a message then. */
  readonly answer?: (body: WebhookBody, attempt: number) => TestAnswer | 'hang' | undefined;
}

export interface TestWebhook {
  readonly url: string;
  readonly messages: readonly WebhookMessage[];
  /** Every attempt by its `webhook-id`, answered well or not. */
  readonly attempts: readonly string[];
  /** What was wrong with requests; one id with two bodies is wrong too. */
  readonly refused: readonly string[];
  /** Bodies with this status about this alert; news of an acknowledgement is neither. */
  readonly of: (status: 'firing' | 'resolved', alertname?: string) => readonly WebhookBody[];
}

/** A receiver that trusts nobody, gone when the test ends. */
export const startWebhook = async (
  t: Pick<Test, 'teardown'>,
  options: WebhookOptions = {},
): Promise<TestWebhook> => {
  const { secret } = options;
  const verifier =
    secret === undefined
      ? undefined
      : new Webhook(secret, secret.startsWith('whsec_') ? {} : { format: 'raw' });
  const messages: WebhookMessage[] = [];
  const attempts: string[] = [];
  const refused: string[] = [];
  const bodies = new Map<string, string>();

  const origin = await startHttp(t, ({ headers, body: text, method }) => {
    const id = String(headers['webhook-id'] ?? '');
    try {
      if (method !== 'POST') throw new Error(`method ${method}`);
      if (headers['content-type'] !== 'application/json') throw new Error('content type');
      if (!/^[\w-]+$/.test(id)) throw new Error(`webhook-id ${id}`);
      verifier?.verify(text, {
        'webhook-id': id,
        'webhook-timestamp': String(headers['webhook-timestamp']),
        'webhook-signature': String(headers['webhook-signature']),
      });
      if (bodies.has(id) && bodies.get(id) !== text) throw new Error(`${id} came with two bodies`);
    } catch (error) {
      refused.push(String(error));
      return { status: 400, body: String(error) };
    }
    bodies.set(id, text);
    attempts.push(id);
    const body = JSON.parse(text) as WebhookBody;
    const given = options.answer?.(body, attempts.filter((it) => it === id).length);
    if (given) return given;
    messages.push({ id, body, text });
    return { status: 200, body: 'thanks' };
  });
  return {
    url: `${origin}/hook/very-secret-path`,
    messages,
    attempts,
    refused,
    of: (status, alertname) =>
      messages
        .map((it) => it.body)
        .filter((it) => it.status === status && it.tocsin.kind !== 'acknowledged')
        .filter((it) => alertname === undefined || it.commonLabels['alertname'] === alertname),
  };
};
