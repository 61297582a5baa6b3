import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import {
  type Journal,
  type JournalOptions,
  openJournal,
} from '../../../src/batch/journal/journal.ts';
import { type GrowingRange, openRange, type Range } from '../../../src/batch/journal/range.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type Log, type LogFields, silentLog } from '../../../src/lib/log.ts';
import { type Meter, noopMeter } from '../../../src/lib/meter.ts';
import type { Acceptance, Signal } from '../../../src/model/ingest.ts';

/** A directory of its own, gone with the test. */
export const temporaryDir = (t: Pick<Test, 'teardown'>): string => {
  const dir = mkdtempSync(join(tmpdir(), 'tocsin-journal-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

export interface Notes {
  readonly log: Log;
  readonly lines: readonly { readonly event: string; readonly fields: LogFields }[];
  readonly count: (event: string) => number;
}

/** A log that remembers warnings and errors. */
export const notingLog = (): Notes => {
  const lines: { readonly event: string; readonly fields: LogFields }[] = [];
  const note = (event: string, fields: LogFields = {}) => void lines.push({ event, fields });
  const log: Log = { ...silentLog, warn: note, error: note, child: () => log };
  return { log, lines, count: (event) => lines.filter((it) => it.event === event).length };
};

/** Sums of counters and numbers of recordings, by name. */
export const countingMeter = () => {
  const sums = new Map<string, number>();
  const add = (name: string, value: number) => sums.set(name, (sums.get(name) ?? 0) + value);
  const meter: Meter = {
    counter: (name) => (value) => add(name, value),
    histogram: (name) => () => add(name, 1),
    gauge: () => {},
  };
  return { meter, of: (name: `tocsin_${string}`): number => sums.get(name) ?? 0 };
};

export const open = (
  dir: string,
  overrides: Partial<Omit<JournalOptions, 'dir'>> = {},
): Promise<Journal> =>
  openJournal({
    dir,
    fsync: 'always',
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
    ...overrides,
  });

const accepted: Acceptance = { accepted: 1, rejected: 0, message: '' };

/** Appends one body as a request, the way a batcher does. */
export const put = (
  journal: Journal,
  body: string | Buffer,
  range: GrowingRange = openRange('traces'),
): Promise<Acceptance> => {
  const kind = { signal: range.signal, encoding: 'json', coding: 'identity' } as const;
  const bytes = Buffer.from(body);
  return journal.once(kind, bytes, async (hash) => {
    journal.admit(bytes.length);
    await journal.append({ ...kind, bytes, hash, acceptance: accepted }, range);
    return accepted;
  });
};

export const bodiesIn = async (journal: Journal, range: Range): Promise<readonly string[]> => {
  const bodies: string[] = [];
  for await (const { body } of journal.read(range)) bodies.push(body.toString());
  return bodies;
};

/** Bodies that were never in a batch, and those of batches by name. */
export const leftIn = async (journal: Journal, signal: Signal = 'traces') => {
  const { batches, uncut } = journal.leftover(signal);
  const bodies: string[] = [];
  for (const range of uncut) bodies.push(...(await bodiesIn(journal, range)));
  const cut: Record<string, readonly string[]> = {};
  for (const { name, range } of batches) cut[name] = await bodiesIn(journal, range);
  return { uncut: bodies, cut };
};
