import type { RetryLimits } from '../drain-rate.ts';

export interface JournalLimits extends RetryLimits {
  /** All segments together, of all journals that share; requests are refused beyond, marks are not. */
  readonly bytesMax: number;
  /** A segment is closed beyond; never more than an eighth of a journal's part of `bytesMax`. */
  readonly segmentBytesMax: number;
  /** Files of segments that are done, kept to be written over; each as large as a segment. */
  readonly spareFilesMax: number;
  /** One request's body; larger ones are rejected. */
  readonly recordBytesMax: number;
  /** Requests that wait to be written; more are refused at once. */
  readonly waitingBytesMax: number;
  /** What is written and synced together. */
  readonly groupBytesMax: number;
  readonly groupRecordsMax: number;
  /** Between two syncs with `interval`. */
  readonly syncEveryMs: number;
  /** Room held back so that marks can be written on a full disk. */
  readonly reserveBytes: number;
  /** Between two attempts at a disk that failed. */
  readonly probeEveryMs: number;
  /** A repeated request is recognised for this long, and so many of them. */
  readonly rememberMs: number;
  readonly rememberedRequestsMax: number;
  /** Damaged segments, kept to be looked at; beyond it only the log tells of another. */
  readonly damagedBytesMax: number;
  /** What ClickHouse refuses, kept until a person decides; beyond it a batch stays in the journal. */
  readonly rejectedBytesMax: number;
  /** Of each of these two, so many at most; a label beside each. */
  readonly asideFilesMax: number;
}

const mebibyte = 1024 * 1024;

export const defaultJournalLimits: JournalLimits = {
  bytesMax: 10 * 1024 * mebibyte,
  segmentBytesMax: 64 * mebibyte,
  spareFilesMax: 2,
  recordBytesMax: 256 * mebibyte,
  waitingBytesMax: 64 * mebibyte,
  groupBytesMax: 8 * mebibyte,
  groupRecordsMax: 500,
  syncEveryMs: 100,
  reserveBytes: mebibyte,
  probeEveryMs: 1_000,
  rememberMs: 300_000,
  rememberedRequestsMax: 200_000,
  damagedBytesMax: 256 * mebibyte,
  rejectedBytesMax: 512 * mebibyte,
  asideFilesMax: 1_000,
  retryAfterMsMin: 1_000,
  retryAfterMsMax: 15_000,
};
