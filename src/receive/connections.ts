import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** The open connections of a server, and which of them carry a request. */
export interface Connections {
  readonly count: () => number;
  /** A request begins on the connection; call the result when it has ended. */
  readonly busy: (socket: Socket) => () => void;
  /** Closes the connections that carry no request, those that never did included. */
  readonly closeIdle: () => void;
  /** Cuts whatever is left, such as a TLS handshake that nobody goes on with. */
  readonly destroyAll: () => void;
}

/** node's own `closeIdleConnections` spares connections that have not sent a byte yet. */
export const trackConnections = (server: Server): Connections => {
  const raw = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    raw.add(socket);
    socket.once('close', () => raw.delete(socket));
  });
  /** Under TLS, requests come over a socket around the raw one, once the handshake is done. */
  const requests = new Map<Socket, number>();
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
  });

  const change = (socket: Socket, by: 1 | -1): void => {
    const before = requests.get(socket);
    if (before !== undefined) requests.set(socket, before + by);
  };

  return {
    count: () => raw.size,
    busy: (socket) => {
      change(socket, 1);
      return () => change(socket, -1);
    },
    closeIdle: () => {
      for (const [socket, count] of requests) if (count === 0) socket.destroySoon();
    },
    destroyAll: () => {
      for (const socket of raw) socket.destroy();
    },
  };
};
