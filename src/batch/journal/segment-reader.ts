import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { decodeHead, plainSeal, type RecordHead, recordMagic, segmentSeal } from './record.ts';
import { decodeSegmentHeader, segmentHeaderBytes } from './segment-header.ts';

/** What lies at a place of a segment: a record, or bytes that cannot be trusted. */
export type Piece =
  | {
      readonly kind: 'record';
      readonly offset: number;
      readonly end: number;
      readonly head: RecordHead;
    }
  | { readonly kind: 'damage'; readonly offset: number; readonly end: number };

export interface SegmentReader {
  /** The next piece; undefined at the end. */
  readonly next: () => Promise<Piece | undefined>;
  /** The body of the record that `next` gave last. */
  readonly body: () => Promise<Buffer>;
  readonly close: () => Promise<void>;
}

export interface ReadOptions {
  readonly key: Buffer;
  /** A record begins here; behind the segment's header when left out. */
  readonly from?: number;
  /** What lies behind does not count. */
  readonly end: number;
}

/** What is decoded without giving way to others: a few milliseconds of work. */
const bigWindowBytes = 256 * 1024;
/** When bodies are skipped, reading far ahead would read what is not wanted. */
const smallWindowBytes = 4 * 1024;

/** Reads a segment record by record, and past damage from the next record that can be trusted. */
export const openSegmentReader = async (
  path: string,
  options: ReadOptions,
): Promise<SegmentReader> => {
  const file = await open(path, 'r');
  const end = Math.min(options.end, (await file.stat()).size);
  const view = windowOn(file, end);
  const seals = [segmentSeal(options.key, await idOf(file, path)), plainSeal(options.key)];
  let position = options.from ?? segmentHeaderBytes;
  let current: { readonly offset: number; readonly bytes: number } | undefined;
  let skipped = false;

  const headAt = async (offset: number): Promise<RecordHead | undefined> => {
    let bytes = await view(offset, 64, skipped ? smallWindowBytes : bigWindowBytes);
    for (;;) {
      const head = decodeHead(seals, bytes);
      if (typeof head !== 'number') return head;
      if (offset + head > end) return undefined;
      bytes = await view(offset, head, bigWindowBytes);
    }
  };

  /** The next place that begins like a record and passes its checksum. */
  const findHead = async (after: number): Promise<number> => {
    for (let offset = after; offset < end; ) {
      const bytes = await view(offset, 4, bigWindowBytes);
      const found = bytes.indexOf(recordMagic);
      if (found < 0) offset += Math.max(1, bytes.length - recordMagic.length + 1);
      else if (await headAt(offset + found)) return offset + found;
      else offset += found + 1;
    }
    return end;
  };

  const next = async (): Promise<Piece | undefined> => {
    skipped = current !== undefined && current.bytes > smallWindowBytes;
    if (position >= end) return undefined;
    const offset = position;
    const head = await headAt(offset);
    const recordEnd = head ? offset + head.headBytes + head.bodyBytes : 0;
    if (!head || recordEnd > end) {
      position = head ? end : await findHead(offset + 1);
      return { kind: 'damage', offset, end: position };
    }
    if (head.record.kind === 'end') {
      position = end;
      return undefined;
    }
    position = recordEnd;
    current = { offset: offset + head.headBytes, bytes: head.bodyBytes };
    return { kind: 'record', offset, end: position, head };
  };

  return {
    next,
    body: async () => {
      const { offset, bytes } = current ?? { offset: 0, bytes: 0 };
      current = undefined;
      return (await view(offset, bytes, bigWindowBytes)).subarray(0, bytes);
    },
    close: () => file.close(),
  };
};

/** As its header says; by its name when that is damaged. */
const idOf = async (file: FileHandle, path: string): Promise<number> => {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(segmentHeaderBytes), {
    length: segmentHeaderBytes,
    position: 0,
  });
  const header = decodeSegmentHeader(buffer.subarray(0, bytesRead));
  if (header !== undefined && typeof header !== 'number') return header.id;
  return Number.parseInt(basename(path), 10) || 0;
};

/** At least `bytes` from `offset` on, as far as there are; what was read ahead is used again. */
const windowOn = (file: FileHandle, end: number) => {
  let held = Buffer.alloc(0);
  let heldFrom = 0;
  return async (offset: number, bytes: number, ahead: number): Promise<Buffer> => {
    const wanted = Math.min(bytes, end - offset);
    const inside = offset - heldFrom;
    if (inside >= 0 && inside + wanted <= held.length) return held.subarray(inside);
    const length = Math.max(0, Math.min(Math.max(wanted, ahead), end - offset));
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    held = buffer.subarray(0, filled);
    heldFrom = offset;
    return held;
  };
};
