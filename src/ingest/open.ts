import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Journal, openJournal } from '../batch/journal/journal.ts';
import { openShare } from '../batch/journal/shared.ts';
import type { Decompress } from '../batch/redecode.ts';
import { decompress } from '../decode/decompress.ts';
import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { freeBytes } from '../lib/free-bytes.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import { Secret } from '../lib/secret.ts';
import type { InsertBlock } from '../model/block.ts';
import { connectStore } from '../store/client.ts';
import { createInserter } from '../store/insert.ts';
import type { WorkerSetup } from './messages.ts';
import { createIngestPath, type IngestPath } from './path.ts';
import { openTail } from './tail.ts';

export interface IngestParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
}

/**
 * Columns, batches and the way to ClickHouse, made from plain data: the same in a worker thread and
 * in the main one. `drain` ends the connections as well.
 */
export const openIngest = async (setup: WorkerSetup, parts: IngestParts): Promise<IngestPath> => {
  const { password, ...clickhouse } = setup.clickhouse;
  const store = connectStore({
    ...parts,
    ...clickhouse,
    password: password === undefined ? undefined : new Secret(password),
    newId: randomUUID,
  });
  const { dir, abandoned, bytesMax, fsync, shared: sharedJournals } = setup.journal;
  const { rules, sharesTraces: shared = false } = setup;
  const tail = openTail({ ...parts, rules, shared });
  const open = async (
    journalDir: string,
    nth: number,
    recognise?: Journal['recognise'],
  ): Promise<Journal> => {
    // Of rules that are no more: numbers of requests may come again, and must not find them.
    if (!tail) await rm(verdictsIn(journalDir), { recursive: true, force: true });
    const share =
      sharedJournals &&
      openShare({ shared: sharedJournals, journal: nth, nowMs: parts.clock.nowMs });
    const limits = { bytesMax };
    return openJournal({ ...parts, dir: journalDir, fsync, limits, share, recognise });
  };
  const pathOf = (journal: Journal, journalDir: string, name: string): IngestPath =>
    createIngestPath({
      ...parts,
      journal,
      decompress: decompressAgain,
      insert: freed(createInserter({ ...parts, store }).insertBlock),
      limits: setup.batch,
      bodyBytesMax: setup.bodyBytesMax,
      rules,
      series: setup.series,
      tail: tail && { ...tail, verdictsDir: verdictsIn(journalDir) },
      instanceId: name,
    });
  const journal = await open(dir, setup.workerIndex);
  // Nothing new comes into these: that they are open is enough for what is in them to be stored.
  const others = await Promise.all(
    abandoned.map(async (it, index) => {
      const nth = (sharedJournals?.threads ?? 1) + index;
      const other = await open(it, nth, journal.recognise);
      return pathOf(other, it, `${setup.instanceId}.abandoned${index}`);
    }),
  );
  const path = pathOf(journal, dir, setup.instanceId);
  return {
    ingest: path.ingest,
    gossip: shared ? tail?.traces.gossip : undefined,
    drain: async () => {
      await Promise.all([path, ...others].map((it) => it.drain()));
      await store.close();
    },
  };
};

/** What is stored will not be sent again. */
const freed =
  (insert: InsertBlock): InsertBlock =>
  async (block) => {
    await insert(block);
    block.segments.forEach(freeBytes);
  };

const verdictsIn = (journalDir: string): string => join(journalDir, 'verdicts');

/** Of a body that was taken once: whatever the limit was then, it was not above this. */
const decompressedBytesMax = 1024 * 1024 * 1024;
export const decompressAgain: Decompress = async (coding, bytes) =>
  decompress(coding, bytes, decompressedBytesMax);
