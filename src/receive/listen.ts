import type { Server } from 'node:net';
import { Fault, messageOf } from '../lib/fault.ts';
import type { Address } from './otlp-server.ts';

/**
 * Binds and resolves with the address in use. `key` is the configuration key to name in failures,
 * such as `listen.otlp_http`.
 */
export const listen = (server: Server, { host, port }: Address, key: string): Promise<Address> =>
  new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      reject(listenFault(error, { host, port }, key));
    };
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.removeListener('error', failed);
      const bound = server.address();
      resolve({ host, port: typeof bound === 'object' && bound ? bound.port : port });
    });
  });

const listenFault = (error: NodeJS.ErrnoException, { host, port }: Address, key: string): Fault =>
  error.code === 'EADDRINUSE'
    ? new Fault(
        'ERR_PORT_IN_USE',
        `port ${port} on ${host} is in use; stop what listens there or change ${key} (port 0 picks a free one)`,
        { remedy: 'reject', cause: error },
      )
    : new Fault(
        'ERR_LISTEN_FAILED',
        `cannot listen on ${host}:${port} (${key}): ${messageOf(error)}`,
        { remedy: 'reject', cause: error },
      );
