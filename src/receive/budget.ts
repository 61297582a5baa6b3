import { Fault } from '../lib/fault.ts';

/** Bytes of request bodies that may be held at once; one budget may serve several doors. */
export interface ByteBudget {
  readonly bytesMax: number;
  readonly heldBytes: () => number;
  /** Starts an account that holds nothing yet. Whoever opens it gives everything back. */
  readonly open: () => Hold;
}

/** What one request holds of the budget. */
export interface Hold {
  /** Throws ERR_RECEIVE_OVERLOADED, taking nothing, when the budget has not that much left. */
  readonly take: (bytes: number) => void;
  readonly give: (bytes: number) => void;
  readonly giveAll: () => void;
}

export const createByteBudget = (bytesMax: number): ByteBudget => {
  let heldBytes = 0;

  const open = (): Hold => {
    let ownBytes = 0;
    const give = (bytes: number): void => {
      const given = Math.min(bytes, ownBytes);
      ownBytes -= given;
      heldBytes -= given;
    };
    const take = (bytes: number): void => {
      if (heldBytes + bytes > bytesMax) throw overloaded();
      ownBytes += bytes;
      heldBytes += bytes;
    };
    return { take, give, giveAll: () => give(ownBytes) };
  };

  return { bytesMax, heldBytes: () => heldBytes, open };
};

const overloaded = (): Fault =>
  new Fault('ERR_RECEIVE_OVERLOADED', 'too many request bytes are being processed; send it again', {
    remedy: 'retry',
  });
