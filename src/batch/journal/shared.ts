import { randomBytes } from 'node:crypto';
import { type Claims, openClaims, shareClaims } from './claims.ts';
import { listFiles } from './directory.ts';
import { defaultJournalLimits } from './limits.ts';
import { openRoom, type Room, shareRoom } from './room.ts';
import { readHeader } from './scan.ts';
import { keyBytes } from './segment-header.ts';

/** What the journals of a daemon have in common. Plain data: it crosses threads, and they share it. */
export interface SharedJournals {
  /** Threads that take requests, each with one journal; other journals are only emptied. */
  readonly threads: number;
  /** The secret of new journals, so that the same bytes have the same hash in all of them. */
  readonly key: Uint8Array;
  /** Laid out by `Claims` and `Room`. */
  readonly claims: SharedArrayBuffer;
  readonly room: SharedArrayBuffer;
}

/** One journal's way to what it shares. */
export interface JournalShare {
  readonly threads: number;
  readonly key: Buffer;
  /** Undefined when nobody else takes requests. */
  readonly claims: Claims | undefined;
  readonly room: Room;
}

const { rememberMs: windowMs, rememberedRequestsMax: claimsMax } = defaultJournalLimits;

/** For as many threads, whose journals come first in `dirs`. */
export const shareJournals = async (
  threads: number,
  dirs: readonly string[],
): Promise<SharedJournals> => ({
  threads,
  key: (await keyIn(dirs)) ?? randomBytes(keyBytes),
  claims: threads > 1 ? shareClaims(threads, { windowMs, claimsMax }) : new SharedArrayBuffer(0),
  room: shareRoom(dirs.length),
});

export interface ShareOptions {
  readonly shared: SharedJournals;
  /** Its place among the directories. */
  readonly journal: number;
  readonly nowMs: () => number;
}

export const openShare = ({ shared, journal, nowMs }: ShareOptions): JournalShare => {
  const { threads, key, claims: memory, room } = shared;
  const takes = threads > 1 && journal < threads;
  return {
    threads,
    key: Buffer.from(key),
    claims: takes
      ? openClaims({ memory, threads, owner: journal, nowMs, windowMs, claimsMax })
      : undefined,
    room: openRoom(room, journal),
  };
};

/** The first one that can be read; what cannot is said when the journal is opened. */
const keyIn = async (dirs: readonly string[]): Promise<Buffer | undefined> => {
  for (const dir of dirs) {
    for (const kind of ['segment', 'seen'] as const) {
      for (const { path } of await listFiles(dir, kind).catch(() => [])) {
        const header = await readHeader(path).catch(() => undefined);
        if (header) return header.key;
      }
    }
  }
  return undefined;
};
