import type { IncomingHttpHeaders } from 'node:http';

/** Which web pages may send telemetry from a browser. */
export interface CorsPolicy {
  /** Origins such as `https://shop.example`; `*` stands for any run of characters. */
  readonly originsAllowed: readonly string[];
}

const preflightSecondsMax = 7200;

export type CorsHeaders = (requestHeaders: IncomingHttpHeaders) => Readonly<Record<string, string>>;

/** Headers that let a page of an allowed origin read the answer; none for all others. */
export const createCors = ({ originsAllowed }: CorsPolicy): CorsHeaders => {
  const patterns = originsAllowed.map(originPattern);
  if (patterns.length === 0) return () => ({});
  return ({ origin }) => {
    if (origin === undefined || !patterns.some((it) => it.test(origin))) return { vary: 'Origin' };
    return {
      vary: 'Origin',
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'Retry-After',
    };
  };
};

/** What a preflight asks besides: any header may be sent, since the origin decides. */
export const preflightHeaders = (
  requestHeaders: IncomingHttpHeaders,
): Readonly<Record<string, string>> => ({
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers':
    requestHeaders['access-control-request-headers'] ?? 'Content-Type, Content-Encoding',
  'access-control-max-age': String(preflightSecondsMax),
});

const originPattern = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('*')
      .map((it) => RegExp.escape(it))
      .join('.*')}$`,
    'i',
  );
