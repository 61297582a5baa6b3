import { type Meter, secondsBounds } from '../lib/meter.ts';
import type { Delivery } from '../model/delivery.ts';
import type { DeliveryOutcome } from '../model/notification.ts';

/** What operators see of deliveries: attempts by outcome, their duration, the whole delay. */
export const createDeliverMeasures = (meter: Meter) => {
  const attempts = meter.counter('tocsin_notify_attempts', {
    description: 'Attempts to deliver a message, by channel and outcome.',
    unit: '{attempt}',
  });
  const seconds = meter.histogram('tocsin_notify_attempt_duration', {
    description: 'Time one attempt took.',
    unit: 's',
    bounds: secondsBounds,
  });
  const delays = meter.histogram('tocsin_notify_delay', {
    description: 'Time from the decision to tell somebody until it was delivered.',
    unit: 's',
    bounds: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  });
  return {
    attempt: ({ channel }: Delivery, outcome: DeliveryOutcome, durationMs: number) => {
      attempts(1, { channel, outcome: outcome.kind });
      seconds(durationMs / 1_000, { channel });
    },
    delay: ({ channel, notification }: Delivery, nowMs: number) =>
      delays((nowMs - notification.createdAtMs) / 1_000, { channel }),
  };
};
