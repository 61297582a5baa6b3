import type { Delivery } from '../model/delivery.ts';
import type { Settled } from './settled-store.ts';

/**
 * True when this destination refused everything before: it does not know of the alert, so its end
 * is no news there. What merely ran out of attempts may have arrived all the same.
 */
export const neverHeard = (
  { notification }: Delivery,
  ends: ReadonlyMap<string, Settled>,
): boolean => {
  if (notification.kind !== 'resolved' && notification.kind !== 'acknowledged') return false;
  const destination = destinationPart(notification.id);
  const before = [...ends].filter(([id]) => destinationPart(id) === destination);
  return (
    before.length > 0 &&
    before.every(([, it]) => it.outcome === 'refused' || it.outcome === 'skipped')
  );
};

/** Ids end in the destination: hash of the receiver and index of the channel. */
const destinationPart = (id: string): string => id.split('-').slice(-2).join('-');
