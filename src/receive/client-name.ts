import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

const charactersMax = 200;

/** Subject and alternative names of the certificate that the other side showed; undefined for none. */
export const clientName = (socket: Socket | undefined): string | undefined => {
  // HTTP/2 hands out a stand-in, which passes this for what it stands in for.
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (!certificate) return undefined;
  // A part that a certificate has not is undefined, whatever its type says.
  const names = [certificate.subject, certificate.subjectAltName].filter((it) => Boolean(it));
  return names.join('; ').replaceAll('\n', ', ').slice(0, charactersMax);
};
