import type { Server } from 'node:net';
import { type TLSSocket, Server as TlsServer } from 'node:tls';
import type { Log } from '../lib/log.ts';
import type { ServerTls } from '../lib/tls-material.ts';
import { clientName } from './client-name.ts';
import type { Intake } from './intake.ts';

/** Keeps a server that speaks TLS up to date, and counts the handshakes that came to nothing. */
export const followTls = (
  server: Server,
  tls: ServerTls | undefined,
  intake: Intake,
  log: Log,
): void => {
  if (!tls || !(server instanceof TlsServer)) return;
  tls.onRenewed((material) => server.setSecureContext(material));
  // First, since node:https would have it answered in HTTP, which waits for the handshake for ever.
  server.prependListener('tlsClientError', (error: Error, socket: TLSSocket) => {
    intake.connectionRefused('tls', error.message);
    socket.destroy();
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const client = clientName(socket);
    if (client !== undefined) log.debug('client_connected', { client });
  });
};
