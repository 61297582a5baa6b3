/** Where a port listens. */
export interface Address {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/** `host:port`, `[::1]:4318`, `:4318` or `4318`; the host is absent when the text leaves it open. */
export interface AddressText {
  readonly host?: string;
  readonly port: number;
}

/** Undefined when the text is no address; an IPv6 host needs brackets. */
export const parseAddress = (text: string): AddressText | undefined => {
  const [, bracketed, plain, portText = ''] =
    /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]*)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(portText);
  if (portText === '' || port > 65_535) return undefined;
  const host = bracketed ?? plain ?? '';
  return host === '' ? { port } : { host, port };
};

/** `127.0.0.1:4318`, `[::1]:4318`. */
export const formatAddress = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Whether only this machine can reach it. A name other than `localhost` may lead anywhere. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i.test(host);
