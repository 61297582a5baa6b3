import { createServer } from 'node:net';
import { Fault, messageOf } from '../lib/fault.ts';

export interface PortWish {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The configuration key to name when the port cannot be had. */
  readonly key: string;
}

/**
 * Binds the address for a moment, so that a taken port is told before a process is spawned. Resolves
 * with the port. Rejects with a Fault ERR_PORT_IN_USE or ERR_PORT_UNAVAILABLE.
 */
export const findPort = (wish: PortWish): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portInUse(wish) : portUnavailable(wish, error));
    });
    server.listen({ host: wish.host, port: wish.port, exclusive: true }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : wish.port;
      server.close(() => resolve(port));
    });
  });

export const portInUse = ({ host, port, key }: PortWish): Fault => {
  const message = `port ${port} on ${host} is in use; stop what holds it or set ${key} to another address (port 0 picks a free one)`;
  return new Fault('ERR_PORT_IN_USE', message, { remedy: 'reject' });
};

const portUnavailable = ({ host, port, key }: PortWish, cause: unknown): Fault =>
  new Fault(
    'ERR_PORT_UNAVAILABLE',
    `cannot listen on ${host}:${port} (${key}): ${messageOf(cause)}`,
    { remedy: 'reject', cause },
  );
