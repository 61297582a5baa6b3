import { createHash } from 'node:crypto';

/**
 * Names one message to one destination, the same whoever decides it however often: safe as a job
 * id, as `webhook-id` (no dot) and in a Message-ID. `message` is a key such as `escalated-0-1`.
 */
export const deliveryId = (
  alertId: string,
  message: string,
  destination: { readonly receiver: string; readonly channelIndex: number },
): string => {
  const hash = createHash('sha256').update(destination.receiver).digest('hex').slice(0, 10);
  return `n-${alertId}-${message}-${hash}-${destination.channelIndex}`;
};
