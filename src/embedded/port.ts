import { createServer, type Server } from 'node:net';
import { Fault, messageOf } from '../lib/fault.ts';

export interface PortWish {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The configuration key to name when the port cannot be had. */
  readonly key: string;
}

/**
 * Binds the addresses for a moment, all at once so that chosen ports differ, so that a taken one is
 * told before a process is spawned. Resolves with the ports, in order. Rejects with a Fault
 * ERR_PORT_IN_USE or ERR_PORT_UNAVAILABLE. Somebody else may still be faster afterwards.
 */
export const findPorts = async (wishes: readonly PortWish[]): Promise<readonly number[]> => {
  const servers: Server[] = [];
  try {
    for (const wish of wishes) servers.push(await bind(wish));
    return servers.map((server, index) => portOf(server) ?? wishes[index]?.port ?? 0);
  } finally {
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
  }
};

const bind = (wish: PortWish): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portInUse(wish) : portUnavailable(wish, error));
    });
    server.listen({ host: wish.host, port: wish.port, exclusive: true }, () => resolve(server));
  });

const portOf = (server: Server): number | undefined => {
  const address = server.address();
  return typeof address === 'object' ? address?.port : undefined;
};

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
