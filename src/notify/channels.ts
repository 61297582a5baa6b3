import type { Clock } from '../lib/clock.ts';
import type { HttpClient } from '../lib/http-client.ts';
import type { Log } from '../lib/log.ts';
import type { Channel } from '../model/alerting.ts';
import type { SendNotification } from '../model/notification.ts';
import { createEmailChannel } from './email.ts';
import { createLogChannel } from './log-channel.ts';
import { createSlackChannel } from './slack-channel.ts';
import { createWebhookChannel } from './webhook.ts';

export interface ChannelParts {
  readonly http: HttpClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly externalUrl: string;
}

export const createChannel = (channel: Channel, parts: ChannelParts): SendNotification => {
  switch (channel.type) {
    case 'email':
      return createEmailChannel(channel, parts);
    case 'slack':
      return createSlackChannel(channel, parts);
    case 'webhook':
      return createWebhookChannel(channel, parts);
    case 'log':
      return createLogChannel(parts.log, parts.externalUrl);
  }
};

/** Where a channel leads, without what is secret about it: hosts, addresses, channel names. */
export const destinationOf = (channel: Channel): string => {
  switch (channel.type) {
    case 'email':
      return channel.to.join(', ');
    case 'slack':
      return channel.channel ?? hostOf(channel.apiUrl?.reveal() ?? '');
    case 'webhook':
      return hostOf(channel.url.reveal());
    case 'log':
      return 'log';
  }
};

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');
