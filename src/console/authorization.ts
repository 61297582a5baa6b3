import { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import { createQuietLog } from '../lib/quiet-log.ts';

/** Throws the Fault for which a request is not answered. */
export type Authorize = (ask: {
  readonly authorization: string | undefined;
  /** The other side showed a certificate of an authority that we trust. */
  readonly certified: boolean;
}) => void;

/** What probes ask, which hold no key. */
const forEverybody: ReadonlySet<string> = new Set([
  '/health/live',
  '/health/ready',
  '/-/healthy',
  '/-/ready',
]);

const logEveryMs = 10_000;

/** Everything but health needs a key where keys are given; what is not there needs one, too. */
export const addAuthorization = (
  app: FastifyInstance,
  authorize: Authorize,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): void => {
  const quietLog = createQuietLog(clock, log, logEveryMs);
  app.addHook('onRequest', async ({ routeOptions, headers, raw }) => {
    if (forEverybody.has(routeOptions.url ?? '')) return;
    const certified = raw.socket instanceof TLSSocket && raw.socket.authorized;
    try {
      authorize({ authorization: headers.authorization, certified });
    } catch (error) {
      if (error instanceof Fault) {
        quietLog.warn('console_request_refused', error.code, { message: error.message });
      }
      throw error;
    }
  });
};

/** For programs, and for browsers, which ask their user for the key as a password. */
export const challenges = ['Bearer realm="tocsin"', 'Basic realm="tocsin", charset="UTF-8"'];
