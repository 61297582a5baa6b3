import { crc32 } from 'node:zlib';
import type { Acceptance, Signal } from '../../model/ingest.ts';
import { type ContentKind, codings, encodings, hashBytes, signals } from './content-hash.ts';

/** One request as it was acknowledged, without its body. */
export interface RequestRecord extends ContentKind {
  /** `seen`: the body is gone, because it is stored; kept to recognise a repetition. */
  readonly kind: 'request' | 'seen';
  readonly seq: number;
  /** When it came, milliseconds since 1970. */
  readonly atMs: number;
  readonly acceptance: Acceptance;
  readonly hash: Buffer;
  /**
   * The name of the batch in which it is stored, fixed before it was written: whatever else is lost,
   * it can have no other. Empty when it has none yet, as everything that version 1 wrote.
   */
  readonly batch: string;
}

/** What became of the requests of a signal from one number to another. */
export interface MarkRecord {
  /** `cut`: those without a name are one batch. `stored`, `set-aside`: nothing is left to do. */
  readonly kind: 'cut' | 'stored' | 'set-aside';
  readonly signal: Signal;
  /** The batch's, also in its blocks. */
  readonly name: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** Behind what counts of a segment in a file that was used before. */
interface EndRecord {
  readonly kind: 'end';
}

export type JournalRecord = RequestRecord | MarkRecord | EndRecord;

export const isMark = (record: JournalRecord): record is MarkRecord =>
  record.kind === 'cut' || record.kind === 'stored' || record.kind === 'set-aside';

/** A record's head as found on disk; the body follows it. */
export interface RecordHead {
  readonly record: JournalRecord;
  /** Whether its write began with it; records behind it were written together with it. */
  readonly first: boolean;
  /** Of head and meta together. */
  readonly headBytes: number;
  readonly bodyBytes: number;
}

export const recordMagic = Buffer.from('TcJ1');
const headBytesMin = 64;
/** Names and messages are short; a longer one is damage. */
const metaBytesMax = 64 * 1024;

const kinds = ['request', 'cut', 'stored', 'set-aside', 'seen', 'end'] as const;
/** Beside the kind: nothing before it was written together with it. */
const firstFlag = 0x80;

/**
 * What a checksum starts from: the journal's secret, so that no sender can put a head into a body that
 * passes for one of ours.
 */
export const plainSeal = (key: Buffer): number => key.readUInt32LE(0);

/**
 * Of records in a segment: another one for each, so that what a file held before it was used again
 * never passes for a part of it.
 */
export const segmentSeal = (key: Buffer, segment: number): number => {
  const id = Buffer.alloc(4);
  id.writeUInt32LE(segment);
  return crc32(id, plainSeal(key));
};

/** Makes a head valid; its write begins with it if it is `first`. */
export const sealed = (seal: number, head: Buffer, first = false): Buffer => {
  head[8] = ((head[8] ?? 0) & ~firstFlag) | (first ? firstFlag : 0);
  head.writeUInt32LE(checksum(seal, head), 4);
  return head;
};

/** The head of a request's record, yet to be sealed; its body is written behind it, untouched. */
export const requestHead = (record: RequestRecord, bodyBytes: number): Buffer => {
  const batch = Buffer.from(record.batch);
  const { leftOut } = record.acceptance;
  // Behind a byte that no message has, so that an older version reads it as part of the message.
  const list = Buffer.from(leftOut && record.kind === 'request' ? `\0${leftOut}` : '');
  const room = metaBytesMax - batch.length - list.length;
  const message = Buffer.from(record.acceptance.message).subarray(0, room);
  const head = headFor(record.kind, record.signal, Buffer.concat([message, list, batch]));
  head[10] = encodings.indexOf(record.encoding);
  head[11] = codings.indexOf(record.coding);
  head.writeUInt32LE(bodyBytes, 16);
  head.writeUInt32LE(record.acceptance.accepted, 20);
  head.writeUInt32LE(record.acceptance.rejected, 24);
  head.writeUInt32LE(batch.length, 28);
  head.writeDoubleLE(record.seq, 32);
  head.writeDoubleLE(record.atMs, 40);
  head.set(record.hash, 48);
  return head;
};

/** A whole mark, yet to be sealed: it has no body. */
export const markHead = (mark: MarkRecord): Buffer => {
  const head = headFor(mark.kind, mark.signal, Buffer.from(mark.name));
  head.writeDoubleLE(mark.firstSeq, 32);
  head.writeDoubleLE(mark.lastSeq, 40);
  return head;
};

/** A whole record that says that nothing behind it counts, yet to be sealed. */
export const endHead = (): Buffer => headFor('end', 'traces', Buffer.alloc(0));

const headFor = (kind: (typeof kinds)[number], signal: Signal, meta: Uint8Array): Buffer => {
  const head = Buffer.allocUnsafe(headBytesMin + meta.length).fill(0, 0, headBytesMin);
  head.set(recordMagic, 0);
  head[8] = kinds.indexOf(kind);
  head[9] = signals.indexOf(signal);
  head.writeUInt32LE(meta.length, 12);
  head.set(meta, headBytesMin);
  return head;
};

const checksum = (seal: number, head: Buffer): number => crc32(head.subarray(8), seal);

/**
 * Reads a head at the start of `bytes`: how many bytes it takes when there are too few, undefined
 * when there is none with one of these seals.
 */
export const decodeHead = (
  seals: readonly number[],
  bytes: Buffer,
): RecordHead | number | undefined => {
  if (!bytes.subarray(0, 4).equals(recordMagic.subarray(0, bytes.length))) return undefined;
  if (bytes.length < headBytesMin) return headBytesMin;
  const metaBytes = bytes.readUInt32LE(12);
  if (metaBytes > metaBytesMax) return undefined;
  const headBytes = headBytesMin + metaBytes;
  if (bytes.length < headBytes) return headBytes;
  const head = bytes.subarray(0, headBytes);
  if (!seals.some((seal) => checksum(seal, head) === bytes.readUInt32LE(4))) return undefined;
  const record = recordFrom(bytes, bytes.subarray(headBytesMin, headBytes));
  const first = ((bytes[8] ?? 0) & firstFlag) !== 0;
  return record && { record, first, headBytes, bodyBytes: bytes.readUInt32LE(16) };
};

const recordFrom = (bytes: Buffer, meta: Buffer): JournalRecord | undefined => {
  const kind = kinds[(bytes[8] ?? 0) & ~firstFlag];
  const signal = signals[bytes[9] ?? -1];
  if (kind === undefined || signal === undefined) return undefined;
  if (kind === 'end') return { kind };
  if (kind !== 'request' && kind !== 'seen') {
    const firstSeq = bytes.readDoubleLE(32);
    return { kind, signal, name: meta.toString(), firstSeq, lastSeq: bytes.readDoubleLE(40) };
  }
  const encoding = encodings[bytes[10] ?? -1];
  const coding = codings[bytes[11] ?? -1];
  const messageBytes = meta.length - bytes.readUInt32LE(28);
  if (encoding === undefined || coding === undefined || messageBytes < 0) return undefined;
  const [message = '', leftOut] = meta.toString('utf8', 0, messageBytes).split('\0');
  return {
    kind,
    signal,
    encoding,
    coding,
    seq: bytes.readDoubleLE(32),
    atMs: bytes.readDoubleLE(40),
    acceptance: {
      accepted: bytes.readUInt32LE(20),
      rejected: bytes.readUInt32LE(24),
      message,
      ...(leftOut !== undefined && { leftOut }),
    },
    hash: Buffer.from(bytes.subarray(48, 48 + hashBytes)),
    batch: meta.toString('utf8', messageBytes),
  };
};
