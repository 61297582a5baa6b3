import type { Signal } from '../../src/model/ingest.ts';

export type LoadProtocol = 'http' | 'grpc';
export type LoadCoding = 'identity' | 'gzip';

/** What a receiver made of one request. */
export type Sent =
  | { readonly kind: 'acknowledged'; readonly rejected: number; readonly message: string }
  /** Never to be sent again. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Not taken; `afterMs` when the receiver named a delay. */
  | { readonly kind: 'later'; readonly afterMs: number | undefined; readonly why: string }
  /** No answer came: it may be stored or not. */
  | { readonly kind: 'unanswered'; readonly why: string };

export interface Sender {
  /** Never rejects. `body` must not change until this resolves. */
  readonly send: (body: Uint8Array) => Promise<Sent>;
  readonly close: () => void;
}

export interface SenderOptions {
  readonly endpoint: URL;
  readonly signal: Signal;
  readonly coding: LoadCoding;
  readonly connections: number;
  /** No answer within it counts as none. */
  readonly answerMsMax: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** `rejected` and `error_message` of an Export…ServiceResponse: three fields of varints and text. */
export const readPartialSuccess = (response: Uint8Array): { rejected: number; message: string } => {
  const [partial] = fieldsOf(response).filter((it) => it.number === 1);
  let rejected = 0;
  let message = '';
  for (const { number, bytes, varint } of partial ? fieldsOf(partial.bytes) : []) {
    if (number === 1) rejected = varint;
    if (number === 2) message = Buffer.from(bytes).toString();
  }
  return { rejected, message };
};

/** The delay of a RetryInfo in a google.rpc.Status. */
export const readRetryDelayMs = (status: Uint8Array): number | undefined => {
  for (const detail of fieldsOf(status).filter((it) => it.number === 3)) {
    const [type, value] = fieldsOf(detail.bytes);
    if (!type || !value || !Buffer.from(type.bytes).toString().endsWith('RetryInfo')) continue;
    const [delay] = fieldsOf(value.bytes);
    const parts = delay ? fieldsOf(delay.bytes) : [];
    const part = (number: number) => parts.find((it) => it.number === number)?.varint ?? 0;
    return part(1) * 1000 + part(2) / 1e6;
  }
  return undefined;
};

interface Field {
  readonly number: number;
  readonly varint: number;
  readonly bytes: Uint8Array;
}

const fieldsOf = (message: Uint8Array): readonly Field[] => {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < message.length; factor *= 128) {
      const byte = message[at] ?? 0;
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = varint();
    const value = varint();
    const isBytes = tag % 8 === 2;
    const bytes = isBytes ? message.subarray(at, at + value) : new Uint8Array(0);
    if (isBytes) at += value;
    fields.push({ number: Math.floor(tag / 8), varint: isBytes ? 0 : value, bytes });
  }
  return fields;
};
