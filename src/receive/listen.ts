import type { Server } from 'node:net';
import { Fault, messageOf } from '../lib/fault.ts';
import type { Address } from './otlp-server.ts';

export interface ListenOptions {
  readonly address: Address;
  /** The configuration key to name in failures, such as `listen.otlp_http`. */
  readonly key: string;
  /** Told of what goes wrong afterwards, such as no file descriptor left for a connection. */
  readonly onError: (error: Error) => void;
}

/** Binds and resolves with the address in use. */
export const listen = (
  server: Server,
  { address, key, onError }: ListenOptions,
): Promise<Address> =>
  new Promise((resolve, reject) => {
    const { host, port } = address;
    const failed = (error: NodeJS.ErrnoException): void => {
      reject(listenFault(error, address, key));
    };
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed).on('error', onError);
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
