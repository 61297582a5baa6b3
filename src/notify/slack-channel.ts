import type { Clock } from '../lib/clock.ts';
import type { HttpClient } from '../lib/http-client.ts';
import type { Log } from '../lib/log.ts';
import type { SlackChannel } from '../model/alerting.ts';
import type { DeliveryOutcome, Notification, SendNotification } from '../model/notification.ts';
import { outcomeOf, outcomeOfFault } from './http-answer.ts';
import { messageOf } from './message.ts';
import { renderSlack } from './render-slack.ts';
import { createSlackApi, type SlackApi } from './slack.ts';

const webhookTimeoutMs = 15_000;
const responseBytesMax = 4_096;

export interface SlackParts {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly externalUrl: string;
}

/**
 * A bot posts, replies in the thread of the first message and makes that say what is now: at the end
 * and when the severity rises. Worse news in a thread is shown in the channel too. An incoming webhook
 * can only post. Both are one attempt: retries are ours.
 */
export const createSlackChannel = (channel: SlackChannel, parts: SlackParts): SendNotification => {
  if (channel.botToken) {
    const api = createSlackApi(channel.botToken, channel.botApiUrl, parts);
    return (notification, signal) => sendAsBot(api, channel, parts, notification, signal);
  }
  return (notification, signal) => sendToWebhook(channel, parts, notification, signal);
};

const sendToWebhook = async (
  channel: SlackChannel,
  parts: SlackParts,
  notification: Notification,
  signal: AbortSignal,
): Promise<DeliveryOutcome> => {
  const body = renderSlack(messageOf(notification, parts.externalUrl));
  try {
    const response = await parts.http({
      method: 'POST',
      url: channel.apiUrl?.reveal() ?? '',
      headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Tocsin' },
      body: JSON.stringify({ ...body, ...addressOf(channel) }),
      timeoutMs: webhookTimeoutMs,
      responseBytesMax,
      signal,
    });
    return outcomeOf(response, parts.clock.nowMs());
  } catch (error) {
    return outcomeOfFault(error);
  }
};

/** Only old incoming webhooks heed these; newer ones are bound to their channel. */
const addressOf = (channel: SlackChannel) => ({
  ...(channel.channel !== undefined && { channel: channel.channel }),
  ...(channel.username !== undefined && { username: channel.username }),
});

const sendAsBot = async (
  api: SlackApi,
  channel: SlackChannel,
  parts: SlackParts,
  notification: Notification,
  signal: AbortSignal,
): Promise<DeliveryOutcome> => {
  const body = renderSlack(messageOf(notification, parts.externalUrl));
  const first = referenceOf(notification.thread?.reference);
  const message = { ...addressOf(channel), ...body };
  const { kind } = notification;
  const worse = kind === 'firing' || kind === 'escalated';
  const thread = first && { threadTs: first.ts, broadcast: worse };
  const posted = await api.post({ ...message, ...thread }, signal);
  // Somebody deleted the first message: the news is worth a message of its own.
  if (posted.kind === 'refused' && posted.reason === 'thread_not_found') {
    return api.post(message, signal);
  }
  const news = kind === 'firing' || kind === 'resolved';
  if (posted.kind !== 'delivered' || !first || !news) return posted;
  // The reply has told it; that the first message keeps its colour is no reason to tell it again.
  const updated = await api.update({ channel: first.channel, ts: first.ts, ...body }, signal);
  if (updated.kind === 'delivered') return posted;
  parts.log.warn('slack_message_not_updated', { notification: notification.id, ...updated });
  return { ...posted, answer: `${posted.answer}; not recoloured: ${updated.answer}` };
};

/** `channel/ts`, as `post` answered it. */
const referenceOf = (
  reference: string | undefined,
): { readonly channel: string; readonly ts: string } | undefined => {
  const [channel, ts] = reference?.split('/') ?? [];
  return channel && ts ? { channel, ts } : undefined;
};
