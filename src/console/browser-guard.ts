import { Fault } from '../lib/fault.ts';

export interface GuardedRequest {
  readonly method: string;
  /** The `host` header. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
}

export interface GuardOptions {
  /** Host names under which the console may be asked for; undefined allows every name. */
  readonly hosts: ReadonlySet<string> | undefined;
  /** `host:port` by which people reach the console through a proxy. */
  readonly externalHost: string | undefined;
}

/**
 * Names for a console that only this machine reaches; undefined for one that others may. Any other
 * name that leads here was made to (DNS rebinding): a page of somebody else would read alerts and
 * silence them.
 */
export const guardOf = (host: string, externalUrl: string | undefined): GuardOptions => {
  const external = externalUrl === undefined ? undefined : new URL(externalUrl);
  const loopback = host === 'localhost' || host === '::1' || host.startsWith('127.');
  const names = ['localhost', '127.0.0.1', '[::1]', host.includes(':') ? `[${host}]` : host];
  return {
    hosts: loopback ? new Set([...names, ...(external ? [external.hostname] : [])]) : undefined,
    externalHost: external?.host,
  };
};

/** Throws ERR_HOST_UNKNOWN or ERR_CROSS_ORIGIN for what only a stranger's web page would send. */
export const guardBrowsers = (
  request: GuardedRequest,
  { hosts, externalHost }: GuardOptions,
): void => {
  const { method, host = '', origin, fetchSite } = request;
  if (hosts && !hosts.has(host.replace(/:\d+$/, '').toLowerCase())) {
    throw new Fault('ERR_HOST_UNKNOWN', 'this console does not go by that host name', {
      remedy: 'reject',
    });
  }
  if (method === 'GET' || method === 'HEAD') return;
  const from = origin === undefined ? undefined : (hostOf(origin) ?? '');
  const own = from === undefined || from === host.toLowerCase() || from === externalHost;
  if (!own || fetchSite === 'cross-site') {
    throw new Fault('ERR_CROSS_ORIGIN', 'pages of other sites may not change anything here', {
      remedy: 'reject',
    });
  }
};

const hostOf = (origin: string): string | undefined =>
  URL.canParse(origin) ? new URL(origin).host : undefined;
