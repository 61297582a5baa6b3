import type { Http2Session } from 'node:http2';
import type { Cancel, Clock } from '../lib/clock.ts';
import type { ReceiveLimits } from './limits.ts';

/** The open HTTP/2 sessions. One without a call for `idleMsMax` is told goodbye. */
export interface Sessions {
  readonly add: (session: Http2Session) => void;
  /** A call begins; call the result when it has ended. */
  readonly busy: (session: Http2Session | undefined) => () => void;
  /** GOAWAY to all: calls under way end, others go elsewhere. */
  readonly closeAll: () => void;
  readonly destroyAll: () => void;
}

interface Idle {
  calls: number;
  cancelTimer: Cancel;
}

export const createSessions = (
  clock: Clock,
  { idleMsMax, lingerMsMax }: ReceiveLimits,
): Sessions => {
  const sessions = new Map<Http2Session, Idle>();

  const sayGoodbye = (session: Http2Session): void => {
    session.close();
    // A peer that is gone does not hear it.
    const cancelTimer = clock.after(lingerMsMax, () => session.destroy());
    session.once('close', cancelTimer);
  };

  const startTimer = (session: Http2Session): Cancel =>
    clock.after(idleMsMax, () => sayGoodbye(session));

  const add = (session: Http2Session): void => {
    const idle: Idle = { calls: 0, cancelTimer: startTimer(session) };
    sessions.set(session, idle);
    session.once('close', () => {
      idle.cancelTimer();
      sessions.delete(session);
    });
  };

  const busy = (session: Http2Session | undefined): (() => void) => {
    const idle = session && sessions.get(session);
    if (!idle) return () => {};
    idle.calls += 1;
    idle.cancelTimer();
    return () => {
      idle.calls -= 1;
      if (idle.calls === 0 && sessions.has(session)) idle.cancelTimer = startTimer(session);
    };
  };

  return {
    add,
    busy,
    closeAll: () => {
      for (const session of sessions.keys()) session.close();
    },
    destroyAll: () => {
      for (const session of sessions.keys()) session.destroy();
    },
  };
};
