import type { Scope } from '../model/access.ts';
import { type Address, formatAddress, isLoopback } from './address.ts';
import type { Config } from './config.ts';

export interface Exposed {
  /** In `listen`. */
  readonly key: string;
  readonly message: string;
}

/** What listens, by its key: SQL only where ClickHouse is ours. */
export const listenersOf = ({
  listen,
  clickhouse,
}: Config): readonly (readonly [string, Address])[] =>
  Object.entries({
    otlp_grpc: listen.otlpGrpc,
    otlp_http: listen.otlpHttp,
    console: listen.console,
    ...(clickhouse.kind === 'embedded' && { sql: listen.sql }),
  });

/** Keys of this kind keep strangers out; those of SQL are no keys of ours. */
const scopeOf: Readonly<Record<string, Scope>> = {
  otlp_grpc: 'ingest',
  otlp_http: 'ingest',
  console: 'api',
};

/**
 * The ports that other machines reach and that ask nobody for a key or a certificate, unless the
 * configuration says that this is meant.
 */
export const exposedListeners = (config: Config): readonly Exposed[] => {
  const { auth } = config;
  if (auth.open) return [];
  return listenersOf(config)
    .filter(([key, { host }]) => !isLoopback(host) && !isGuarded(config, key))
    .map(([key, it]) => {
      const scope = scopeOf[key];
      const cure =
        scope === undefined
          ? ''
          : `give auth.keys one with the scope ${scope}, or tls.client_ca_file, `;
      return {
        key,
        message:
          `${formatAddress(it)} can be reached from other machines and nobody has to show a key: ` +
          `${cure}listen on 127.0.0.1, or say auth.open: true where the network keeps strangers out`,
      };
    });
};

const isGuarded = ({ auth, tls }: Config, key: string): boolean => {
  const scope = scopeOf[key];
  if (scope === undefined) return false;
  const asksForCertificates =
    tls?.clientCaFile !== undefined && tls.ports.some((port) => port === key);
  return asksForCertificates || auth.keys.some((it) => it.scopes.includes(scope));
};
