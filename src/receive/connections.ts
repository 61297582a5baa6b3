import type { Server, Socket } from 'node:net';

/** The open connections of a server, and which of them carry a request. */
export interface Connections {
  readonly count: () => number;
  /** A request begins on the connection; call the result when it has ended. */
  readonly busy: (socket: Socket) => () => void;
  /** Closes the connections that carry no request, those that never did included. */
  readonly closeIdle: () => void;
}

/** node's own `closeIdleConnections` spares connections that have not sent a byte yet. */
export const trackConnections = (server: Server): Connections => {
  const requests = new Map<Socket, number>();
  server.on('connection', (socket) => {
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
  });

  const change = (socket: Socket, by: 1 | -1): void => {
    const before = requests.get(socket);
    if (before !== undefined) requests.set(socket, before + by);
  };

  return {
    count: () => requests.size,
    busy: (socket) => {
      change(socket, 1);
      return () => change(socket, -1);
    },
    closeIdle: () => {
      for (const [socket, count] of requests) if (count === 0) socket.destroySoon();
    },
  };
};
