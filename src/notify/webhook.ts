import type { Clock } from '../lib/clock.ts';
import type { HttpClient } from '../lib/http-client.ts';
import type { WebhookChannel } from '../model/alerting.ts';
import type { SendNotification } from '../model/notification.ts';
import { outcomeOf, outcomeOfFault } from './http-answer.ts';
import { messageOf } from './message.ts';
import { renderWebhook } from './render-webhook.ts';
import { standardWebhookHeaders } from './standard-webhooks.ts';

const responseBytesMax = 4_096;

export interface WebhookParts {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly externalUrl: string;
}

/** Posts Alertmanager's JSON. `webhook-id` is the notification's id, the same on every attempt. */
export const createWebhookChannel =
  (channel: WebhookChannel, parts: WebhookParts): SendNotification =>
  async (notification, signal) => {
    const nowMs = parts.clock.nowMs();
    const { links } = messageOf(notification, parts.externalUrl);
    const body = renderWebhook(notification, parts.externalUrl, links);
    const secret = channel.signingSecret?.reveal();
    const authorization = channel.authorization?.reveal();
    try {
      const response = await parts.http({
        method: 'POST',
        url: channel.url.reveal(),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Tocsin',
          ...standardWebhookHeaders(secret, notification.id, nowMs, body),
          ...(authorization !== undefined && { authorization }),
        },
        body,
        timeoutMs: channel.timeoutMs,
        responseBytesMax,
        signal,
      });
      return outcomeOf(response, nowMs);
    } catch (error) {
      return outcomeOfFault(error);
    }
  };
