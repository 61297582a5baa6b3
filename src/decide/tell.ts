import type { Channel } from '../model/alerting.ts';
import type {
  DecisionNote,
  DeliveriesInput,
  Delivery,
  HeldBack,
  Told,
  ToldDestination,
} from '../model/delivery.ts';
import type { NotificationKind } from '../model/notification.ts';
import { deliveryId } from './delivery-id.ts';

export interface Message {
  /** Once per destination. */
  readonly key: string;
  readonly kind: NotificationKind;
  readonly reason: string;
  readonly level: number;
}

interface Target {
  readonly receiver: string;
  readonly channelIndex: number;
  readonly channel: Channel;
}

/** A decision in the making. */
export interface Draft {
  readonly input: DeliveriesInput;
  readonly told: Told;
  readonly deliveries: readonly Delivery[];
  readonly held: readonly HeldBack[];
  readonly notes: readonly DecisionNote[];
}

/** Tells every channel of these receivers; the fallback receiver stands in for one nobody knows. */
export const tell = (draft: Draft, names: readonly string[], message: Message): Draft => {
  const { receivers, fallbackReceiver } = draft.input.alerting;
  const known = (name: string) => receivers.find((it) => it.name === name);
  const notes = names
    .filter((it) => !known(it))
    .map((detail) => ({ code: 'unknown-receiver', detail }) as const);
  const found = [...new Set(names.map((it) => (known(it) ? it : (fallbackReceiver ?? ''))))]
    .map(known)
    .filter((it) => it !== undefined);
  const targets = found.flatMap((it) =>
    it.channels.map((channel, channelIndex) => ({ receiver: it.name, channelIndex, channel })),
  );
  const nobody = targets.length === 0 && found.length === 0;
  const next = targets.reduce((it, target) => tellOne(it, target, message), draft);
  return {
    ...next,
    notes: [
      ...next.notes,
      ...notes,
      ...(nobody ? [{ code: 'nobody-to-tell', detail: message.reason } as const] : []),
    ],
  };
};

/** Tells those who were told before, as far as their channels want it; says whose are gone. */
export const tellAgain = (
  draft: Draft,
  message: Message,
  wanted: (channel: Channel) => boolean,
): Draft =>
  draft.told.destinations.reduce((it, { receiver, channelIndex, channel: type }) => {
    const channel = it.input.alerting.receivers.find((known) => known.name === receiver)?.channels[
      channelIndex
    ];
    if (channel?.type !== type) {
      const detail = `${receiver}, channel ${channelIndex}: gone before it was told ${message.kind}`;
      return { ...it, notes: [...it.notes, { code: 'unknown-receiver', detail }] };
    }
    if (!wanted(channel)) return it;
    return tellOne(it, { receiver, channelIndex, channel }, message);
  }, draft);

/** Only the latest rise of a severity can be asked for again, and there may be very many. */
const keptKeys = (before: ToldDestination | undefined, key: string): readonly string[] => {
  const keys = before?.messages ?? [];
  return key.startsWith('raised-') ? keys.filter((it) => !it.startsWith('raised-')) : keys;
};

const tellOne = (draft: Draft, target: Target, message: Message): Draft => {
  const { told, input } = draft;
  const { receiver, channelIndex } = target;
  const before = told.destinations.find(
    (it) => it.receiver === receiver && it.channelIndex === channelIndex,
  );
  if (before?.messages.includes(message.key)) return draft;
  const id = deliveryId(told.alert.id, message.key, target);
  const destination: ToldDestination = {
    receiver,
    channelIndex,
    channel: target.channel.type,
    firstId: before?.firstId ?? id,
    lastId: id,
    messages: [...keptKeys(before, message.key), message.key],
  };
  const delivery: Delivery = {
    channel: target.channel.type,
    ...(before && { after: before.lastId }),
    notification: {
      id,
      kind: message.kind,
      reason: message.reason,
      receiver,
      channelIndex,
      alert: told.alert,
      escalationLevel: message.level,
      ...(told.acknowledgement && { acknowledgedBy: told.acknowledgement.by }),
      createdAtMs: input.nowMs,
      ...(before && { thread: { id: before.firstId } }),
    },
  };
  return {
    ...draft,
    deliveries: [...draft.deliveries, delivery],
    told: {
      ...told,
      destinations: before
        ? told.destinations.map((it) => (it === before ? destination : it))
        : [...told.destinations, destination],
    },
  };
};
