import type { Alerting, Channel } from '../model/alerting.ts';
import type { Delivery } from '../model/delivery.ts';
import type { SendNotification } from '../model/notification.ts';
import { type ChannelParts, createChannel, destinationOf } from './channels.ts';

/** The receivers as configured just now, and their channels ready to send. */
export interface ChannelBook {
  readonly alerting: () => Alerting;
  readonly reload: (alerting: Alerting) => void;
  /** Undefined when there is no such receiver or channel, or it is of another type by now. */
  readonly channelFor: (delivery: Delivery) => SendNotification | undefined;
  readonly senderOf: (channel: Channel) => SendNotification;
  /** Fit for logs and tables; empty for what is not configured. */
  readonly destination: (receiver: string, channelIndex: number) => string;
}

export const createChannelBook = (
  first: Alerting,
  parts: Omit<ChannelParts, 'externalUrl'>,
): ChannelBook => {
  let current = first;
  let senders = new WeakMap<Channel, SendNotification>();

  const find = (receiver: string, channelIndex: number): Channel | undefined =>
    current.receivers.find((it) => it.name === receiver)?.channels[channelIndex];

  const senderOf = (channel: Channel): SendNotification => {
    const known = senders.get(channel);
    if (known) return known;
    const { externalUrl } = current;
    const { http, clock, log } = parts;
    const sender = createChannel(channel, { http, clock, log, externalUrl });
    senders.set(channel, sender);
    return sender;
  };

  return {
    alerting: () => current,
    reload: (alerting) => {
      current = alerting;
      // The address that links point to may have changed too.
      senders = new WeakMap();
    },
    channelFor: ({ notification, channel: type }) => {
      const channel = find(notification.receiver, notification.channelIndex);
      return channel?.type === type ? senderOf(channel) : undefined;
    },
    senderOf,
    destination: (receiver, channelIndex) => {
      const channel = find(receiver, channelIndex);
      return channel ? destinationOf(channel) : '';
    },
  };
};
