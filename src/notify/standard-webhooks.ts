import { createHmac } from 'node:crypto';

const prefix = 'whsec_';

/**
 * Headers of Standard Webhooks 1.0.0: `v1` is HMAC-SHA256 over `id.timestamp.body`. A secret with
 * the prefix `whsec_` is base64; any other is used as the bytes it is. The id must have no dot.
 * Without a secret there is no signature, but still the id by which retries are known.
 */
export const standardWebhookHeaders = (
  secret: string | undefined,
  id: string,
  nowMs: number,
  body: string,
): Readonly<Record<string, string>> => {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === undefined) return headers;
  const key = secret.startsWith(prefix)
    ? Buffer.from(secret.slice(prefix.length), 'base64')
    : Buffer.from(secret, 'utf8');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
};
