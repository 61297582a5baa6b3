import type { IncomingMessage } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import { BodyBuffer } from './body.ts';
import type { Hold } from './budget.ts';
import type { ReceiveLimits } from './limits.ts';

export interface HttpBodyOptions {
  readonly announcedBytes: number;
  readonly hold: Hold;
  readonly limits: ReceiveLimits;
  readonly clock: Clock;
}

/**
 * The body as sent, whole. Faults: ERR_OTLP_TOO_LARGE, ERR_RECEIVE_OVERLOADED, ERR_RECEIVE_SLOW,
 * ERR_RECEIVE_GONE; what comes after one of them is left unread.
 */
export const readHttpBody = (
  request: IncomingMessage,
  { announcedBytes, hold, limits, clock }: HttpBodyOptions,
): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const body = new BodyBuffer(limits.bodyBytesMax, announcedBytes, hold);
    const settle = (finish: () => void): void => {
      cancelTimer();
      request.off('data', onData).off('end', onEnd).off('close', onClose).pause();
      finish();
    };
    const onData = (chunk: Buffer): void => {
      try {
        body.append(chunk);
      } catch (error) {
        settle(() => reject(error));
      }
    };
    const onEnd = (): void => settle(() => resolve(body.finish()));
    const onClose = (): void => settle(() => reject(gone()));
    const cancelTimer = clock.after(limits.bodyMsMax, () =>
      settle(() => reject(slow(limits.bodyMsMax))),
    );
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });

/** Nobody is left to be answered. */
export const gone = (): Fault =>
  new Fault('ERR_RECEIVE_GONE', 'the sender went away in the middle of its request', {
    remedy: 'retry',
  });

export const slow = (bodyMsMax: number): Fault =>
  new Fault('ERR_RECEIVE_SLOW', `the request body took longer than ${bodyMsMax} ms`, {
    remedy: 'retry',
  });
