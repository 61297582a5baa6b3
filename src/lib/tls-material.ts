import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from './fault.ts';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** Where the PEM files of a server are. */
export interface TlsFiles {
  /** The certificate, followed by those between it and its authority. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Authorities whose certificates clients must show. */
  readonly clientCaFile?: string;
  readonly versionMin: TlsVersion;
}

/** What `node:tls` takes. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly minVersion: TlsVersion;
}

export type TlsReading =
  | { readonly ok: true; readonly material: TlsMaterial; readonly expiresAtMs: number }
  | {
      readonly ok: false;
      readonly key: 'cert_file' | 'key_file' | 'client_ca_file';
      readonly message: string;
    };

/** What a listening server needs to speak TLS, and to follow when its certificate is renewed. */
export interface ServerTls {
  readonly material: () => TlsMaterial;
  /** `asked`: who shows none, or a wrong one, is let in and can be told apart. */
  readonly clients: 'required' | 'asked' | 'none';
  /** Told of each renewal; connections that are open keep what they have. */
  readonly onRenewed: (apply: (material: TlsMaterial) => void) => void;
}

/** Reads the files and makes sure that they belong together. No message holds any of their text. */
export const readTlsMaterial = (
  files: TlsFiles,
  readFile: (path: string) => string,
): TlsReading => {
  const texts = { cert_file: '', key_file: '', client_ca_file: '' };
  for (const [key, path] of [
    ['cert_file', files.certFile],
    ['key_file', files.keyFile],
    ['client_ca_file', files.clientCaFile],
  ] as const) {
    try {
      if (path !== undefined) texts[key] = readFile(path);
    } catch (error) {
      return { ok: false, key, message: `this file cannot be read: ${messageOf(error)}` };
    }
  }
  const { cert_file: cert, key_file: key, client_ca_file: ca } = texts;
  try {
    createSecureContext({ cert });
  } catch (error) {
    const message = `this file holds no certificate in PEM: ${messageOf(error)}`;
    return { ok: false, key: 'cert_file', message };
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const message = `this file holds no private key in PEM that fits cert_file: ${messageOf(error)}`;
    return { ok: false, key: 'key_file', message };
  }
  if (files.clientCaFile !== undefined && !isCertificate(ca)) {
    return { ok: false, key: 'client_ca_file', message: 'this file holds no certificate in PEM' };
  }
  return {
    ok: true,
    material: {
      cert,
      key,
      ...(files.clientCaFile !== undefined && { ca }),
      minVersion: files.versionMin,
    },
    expiresAtMs: Date.parse(new X509Certificate(cert).validTo),
  };
};

/** `createSecureContext` takes any text for `ca` and then trusts nobody. */
const isCertificate = (text: string): boolean => {
  try {
    return new X509Certificate(text).subject !== '';
  } catch {
    return false;
  }
};

/** Options for a server of `node:https` or `node:http2`. */
export const serverTlsOptions = ({ material, clients }: ServerTls, handshakeTimeoutMs: number) => ({
  ...material(),
  requestCert: clients !== 'none',
  rejectUnauthorized: clients === 'required',
  handshakeTimeout: handshakeTimeoutMs,
});
