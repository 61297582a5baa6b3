import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { Coding, Encoding, Signal } from '../../model/ingest.ts';

/** What a body is; part of its hash. */
export interface ContentKind {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly coding: Coding;
}

export const signals: readonly Signal[] = ['traces', 'metrics', 'logs'];
export const encodings: readonly Encoding[] = ['protobuf', 'json'];
export const codings: readonly Coding[] = ['identity', 'gzip', 'deflate', 'zstd'];

export const hashBytes = 16;

/**
 * 128 bits that are the same for the same bytes of the same kind: both the checksum of a record and
 * what a repeated request is recognised by. GMAC under the journal's secret key, because it runs at
 * 9 GB/s where SHA-256 reaches 2; the tags never leave the journal, so that a nonce may repeat.
 */
export const contentHash = (key: Uint8Array, kind: ContentKind, bytes: Uint8Array): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce[0] = signals.indexOf(kind.signal);
  nonce[1] = encodings.indexOf(kind.encoding);
  nonce[2] = codings.indexOf(kind.coding);
  const mac = createCipheriv('aes-128-gcm', keyOf(key), nonce);
  mac.setAAD(bytes);
  mac.final();
  return mac.getAuthTag();
};

/** Made once for each journal: making one takes three times as long as the rest. */
const keyOf = (key: Uint8Array): KeyObject => {
  const known = keys.get(key);
  if (known) return known;
  const made = createSecretKey(key);
  keys.set(key, made);
  return made;
};

const keys = new WeakMap<Uint8Array, KeyObject>();
