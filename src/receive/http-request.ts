import { Fault } from '../lib/fault.ts';
import type { Coding, Encoding, Signal } from '../model/ingest.ts';
import { codings, parseCoding } from './coding.ts';

/** What the head of an HTTP request asks for. */
export type HttpAsk =
  | {
      readonly kind: 'export';
      readonly signal: Signal;
      readonly encoding: Encoding;
      readonly coding: Coding;
      /** 0 when the sender did not say. */
      readonly announcedBytes: number;
    }
  | { readonly kind: 'options' }
  | {
      readonly kind: 'refused';
      readonly fault: Fault;
      /** As far as the head was understood. */
      readonly signal: Signal | 'none';
      readonly encoding: Encoding | 'none';
    };

export interface HttpHead {
  readonly method: string;
  readonly url: string;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly contentLength: string | undefined;
}

const paths: Readonly<Record<string, Signal>> = {
  '/v1/traces': 'traces',
  '/v1/metrics': 'metrics',
  '/v1/logs': 'logs',
};

/** Media types taken; each is answered in kind. */
export const mediaTypes: readonly string[] = ['application/x-protobuf', 'application/json'];

/** Decides from the head alone, so that a request that cannot succeed is never read. */
export const readHead = (head: HttpHead, bodyBytesMax: number): HttpAsk => {
  const path = head.url.split('?', 1)[0] ?? '';
  const signal = Object.hasOwn(paths, path) ? paths[path] : undefined;
  if (signal === undefined) {
    const refused = refuser('none', 'none');
    const known = Object.keys(paths).join(', ');
    return refused('ERR_OTLP_PATH', `no OTLP here; the paths are ${known}`);
  }
  if (head.method === 'OPTIONS') return { kind: 'options' };
  const encoding = encodingOf(head.contentType);
  const refused = refuser(signal, encoding ?? 'none');
  if (head.method !== 'POST') {
    return refused('ERR_OTLP_METHOD', `${head.method} is not possible here; use POST`);
  }
  if (encoding === undefined) {
    return refused('ERR_OTLP_TYPE', `the Content-Type must be ${mediaTypes.join(' or ')}`);
  }
  const coding = parseCoding(head.contentEncoding);
  if (coding === undefined) {
    return refused('ERR_OTLP_CODING', `the Content-Encoding must be one of ${codings.join(', ')}`);
  }
  const announcedBytes = Number(head.contentLength ?? 0);
  if (announcedBytes > bodyBytesMax) {
    return refused(
      'ERR_OTLP_TOO_LARGE',
      `the request body has ${announcedBytes} bytes; the limit is ${bodyBytesMax}`,
    );
  }
  return { kind: 'export', signal, encoding, coding, announcedBytes };
};

/** Parameters such as `charset=utf-8` do not matter. `application/protobuf` is IANA's later name. */
export const encodingOf = (contentType: string | undefined): Encoding | undefined => {
  switch (contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '') {
    case 'application/x-protobuf':
    case 'application/protobuf':
      return 'protobuf';
    case 'application/json':
      return 'json';
    default:
      return undefined;
  }
};

const refuser =
  (signal: Signal | 'none', encoding: Encoding | 'none') =>
  (code: `ERR_${string}`, message: string): HttpAsk => ({
    kind: 'refused',
    fault: new Fault(code, message, { remedy: 'reject' }),
    signal,
    encoding,
  });
