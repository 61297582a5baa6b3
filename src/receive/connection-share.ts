import type { Server, Socket } from 'node:net';
import { peerOf } from './peer.ts';

/** Accepted beyond the limit for a moment, so that there is a choice who has to go. */
const spareConnections = 64;

type Refused = (reason: 'too-many' | 'over-share', message: string) => void;

/**
 * Keeps a server to `max` connections, fairly: when one more comes, the address with the most of them
 * loses its youngest, which is the new one itself unless another address has more.
 */
export const shareConnections = (server: Server, max: number, refused: Refused): void => {
  const byPeer = new Map<string, Set<Socket>>();
  let open = 0;

  const leave = (peer: string, socket: Socket): void => {
    const sockets = byPeer.get(peer);
    if (!sockets?.delete(socket)) return;
    open -= 1;
    if (sockets.size === 0) byPeer.delete(peer);
  };

  const enter = (peer: string, socket: Socket): void => {
    const sockets = byPeer.get(peer) ?? new Set();
    byPeer.set(peer, sockets.add(socket));
    open += 1;
    socket.once('close', () => leave(peer, socket));
  };

  server.maxConnections = max + spareConnections;
  server.on('drop', () => refused('too-many', 'connections_max is reached'));
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    enter(peer, socket);
    if (open <= max) return;
    const crowded = mostConnected(byPeer, peer);
    const victim = [...(byPeer.get(crowded) ?? [])].at(-1) ?? socket;
    leave(crowded, victim);
    victim.destroy();
    if (crowded === peer) refused('too-many', 'connections_max is reached');
    else refused('over-share', `connections_max is reached, most of them by ${crowded}`);
  });
};

/** The newcomer's own address unless another has more. */
const mostConnected = (
  byPeer: ReadonlyMap<string, ReadonlySet<Socket>>,
  newcomer: string,
): string => {
  let most = newcomer;
  for (const [peer, { size }] of byPeer) if (size > (byPeer.get(most)?.size ?? 0)) most = peer;
  return most;
};
