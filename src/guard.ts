import { readFileSync, statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { createCertificates } from './access/certificates.ts';
import { createKeyring } from './access/keyring.ts';
import { isLoopback } from './config/address.ts';
import type { Config, TlsPort } from './config/config.ts';
import { exposedListeners } from './config/exposure.ts';
import type { Authorize } from './console/authorization.ts';
import type { Clock } from './lib/clock.ts';
import { Fault } from './lib/fault.ts';
import type { Log } from './lib/log.ts';
import type { Meter } from './lib/meter.ts';
import type { ServerTls } from './lib/tls-material.ts';
import type { Admit } from './model/access.ts';

export interface GuardOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** Who may come in through which port, and how the ports prove who they are. */
export interface Guard {
  readonly admitTelemetry: Admit;
  readonly authorizeApi: Authorize;
  /** Undefined for a port that speaks plain text. */
  readonly tls: (port: TlsPort) => ServerTls | undefined;
  readonly scheme: (port: TlsPort) => 'http' | 'https';
  /** What a new configuration would leave open on the ports as they are now; empty for nothing. */
  readonly problemsOf: (next: Config) => readonly string[];
  /** From now on the keys and certificates of `next` hold; says what has to wait for a restart. */
  readonly reload: (next: Config) => readonly string[];
  /** Follows renewed certificates. */
  readonly start: () => void;
  readonly stop: () => void;
}

export const createGuard = (options: GuardOptions): Guard => {
  const { config, clock, log, meter } = options;
  const keyring = createKeyring({ keys: config.auth.keys, clock, meter });
  const certificates =
    config.tls && createCertificates({ ...options, files: config.tls, readFile, versionOf });
  const asksForCertificates = config.tls?.clientCaFile !== undefined;
  const speaksTls = (port: TlsPort): boolean => config.tls?.ports.includes(port) ?? false;
  const admitToApi = keyring.admit('api');
  warnOfClearKeys(config, log);

  return {
    admitTelemetry: keyring.admit('ingest'),
    authorizeApi: ({ authorization, certified }) => {
      admitToApi(authorization);
      if (keyring.demands('api') || certified) return;
      if (!asksForCertificates || !speaksTls('console')) return;
      throw new Fault('ERR_CERTIFICATE_MISSING', 'a client certificate is needed here', {
        remedy: 'reject',
      });
    },
    tls: (port) => {
      if (!certificates || !speaksTls(port)) return undefined;
      if (!asksForCertificates) return certificates.tls('none');
      // Probes and people with a key come to the console without one.
      return certificates.tls(port === 'console' ? 'asked' : 'required');
    },
    scheme: (port) => (speaksTls(port) ? 'https' : 'http'),
    problemsOf: (next) =>
      exposedListeners(asBound(next, config)).map(
        ({ key, message }) => `listen.${key}: ${message}`,
      ),
    reload: (next) => {
      keyring.reload(next.auth.keys);
      if (!isDeepStrictEqual(shapeOf(next), shapeOf(config))) {
        return ['tls changed in the file and takes effect when the daemon is restarted'];
      }
      if (certificates && next.tls) certificates.reload(next.tls);
      return [];
    },
    start: () => certificates?.start(),
    stop: () => certificates?.stop(),
  };
};

/** Which ports listen and speak TLS does not change while they are open. */
const asBound = (next: Config, { listen, tls }: Config): Config => {
  const { tls: _, ...rest } = next;
  return { ...rest, listen, ...(tls && { tls }) };
};

/** What of TLS is fixed once a port is open; the files themselves may change. */
const shapeOf = ({ tls }: Config) =>
  tls && { ports: tls.ports, clients: tls.clientCaFile !== undefined };

const readFile = (path: string): string => readFileSync(path, 'utf8');

const versionOf = (path: string): string => {
  const { mtimeMs, size, ino } = statSync(path);
  return `${mtimeMs} ${size} ${ino}`;
};

const warnOfClearKeys = ({ auth, listen, tls }: Config, log: Log): void => {
  if (auth.keys.length === 0) return;
  const hosts = {
    otlp_grpc: listen.otlpGrpc.host,
    otlp_http: listen.otlpHttp.host,
    console: listen.console.host,
  };
  const ports = Object.entries(hosts)
    .filter(([port, host]) => !isLoopback(host) && !tls?.ports.some((it) => it === port))
    .map(([port]) => port);
  if (ports.length > 0) log.warn('keys_travel_unencrypted', { ports });
};
