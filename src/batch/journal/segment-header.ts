import { crc32 } from 'node:zlib';

/** The first bytes of every file of a journal. */
export interface SegmentHeader {
  readonly id: number;
  readonly createdMs: number;
  /** Secret of the whole journal, for the hashes of bodies; repeated in each file. */
  readonly key: Buffer;
  /** The segment written before this one in the same run, 0 for none… */
  readonly previousId: number;
  /** …and how much of it counts: what lies behind was given up after a failed write. */
  readonly previousBytes: number;
}

export const segmentHeaderBytes = 64;
export const keyBytes = 16;
const magic = Buffer.from('TOCSINJ\n');
/** 1: requests do not say in which batch they are. 2: records do not say in which segment they are. */
const version = 3;

export const encodeSegmentHeader = (header: SegmentHeader): Buffer => {
  const bytes = Buffer.alloc(segmentHeaderBytes);
  bytes.set(magic, 0);
  bytes.writeUInt32LE(version, 8);
  bytes.writeDoubleLE(header.id, 16);
  bytes.writeDoubleLE(header.createdMs, 24);
  bytes.set(header.key, 32);
  bytes.writeDoubleLE(header.previousBytes, 48);
  bytes.writeUInt32LE(header.previousId, 56);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
  return bytes;
};

/** The version when a later program wrote it, undefined when it is damaged or cut short. */
export const decodeSegmentHeader = (bytes: Buffer): SegmentHeader | number | undefined => {
  if (bytes.length < segmentHeaderBytes || !bytes.subarray(0, 8).equals(magic)) return undefined;
  if (bytes.readUInt32LE(60) !== crc32(bytes.subarray(0, 60))) return undefined;
  const found = bytes.readUInt32LE(8);
  if (found < 1 || found > version) return found;
  return {
    id: bytes.readDoubleLE(16),
    createdMs: bytes.readDoubleLE(24),
    key: Buffer.from(bytes.subarray(32, 32 + keyBytes)),
    previousBytes: bytes.readDoubleLE(48),
    previousId: bytes.readUInt32LE(56),
  };
};
