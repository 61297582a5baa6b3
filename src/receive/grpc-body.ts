import type { ServerHttp2Stream } from 'node:http2';
import type { Clock } from '../lib/clock.ts';
import type { Hold } from './budget.ts';
import { type GrpcMessage, GrpcMessageReader } from './grpc-message.ts';
import { gone, slow } from './http-body.ts';
import type { ReceiveLimits } from './limits.ts';

export interface GrpcBodyOptions {
  readonly hold: Hold;
  readonly limits: ReceiveLimits;
  readonly clock: Clock;
}

/** The one message of a unary call, after the caller has closed its side. */
export const readGrpcMessage = (
  stream: ServerHttp2Stream,
  { hold, limits, clock }: GrpcBodyOptions,
): Promise<GrpcMessage> =>
  new Promise((resolve, reject) => {
    const reader = new GrpcMessageReader(limits.bodyBytesMax, hold);
    const settle = (error?: unknown): void => {
      cancelTimer();
      stream.off('data', onData).off('end', onEnd).off('close', onClose);
      if (error !== undefined) reject(error);
    };
    const onData = (frame: Buffer): void => {
      try {
        reader.append(frame);
      } catch (error) {
        settle(error);
      }
    };
    const onEnd = (): void => {
      // A reset ends the stream too, but then our side of it is closed as well.
      if (stream.closed) return settle(gone());
      settle();
      try {
        resolve(reader.finish());
      } catch (error) {
        reject(error);
      }
    };
    const onClose = (): void => settle(gone());
    const cancelTimer = clock.after(limits.bodyMsMax, () => settle(slow(limits.bodyMsMax)));
    stream.on('data', onData).on('end', onEnd).on('close', onClose);
  });
