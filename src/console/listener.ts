import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type ServerTls, serverTlsOptions } from '../lib/tls-material.ts';

export interface ListenerOptions {
  readonly tls: ServerTls | undefined;
  readonly requestMsMax: number;
}

/** The server under the console: plain, or with TLS that follows renewed certificates. */
export const createListener =
  ({ tls, requestMsMax }: ListenerOptions) =>
  (handler: RequestListener) => {
    const server = tls
      ? createSecureServer(serverTlsOptions(tls, requestMsMax), handler)
      : createServer(handler);
    if (tls && 'setSecureContext' in server) {
      tls.onRenewed((material) => server.setSecureContext(material));
    }
    server.requestTimeout = requestMsMax;
    server.timeout = requestMsMax * 2;
    return server;
  };
