import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Range } from './journal/range.ts';

export interface VerdictBookOptions {
  /** Of one journal alone; made when something is to be kept. */
  readonly dir: string;
  /** Kept in memory; beyond it they are read again. */
  readonly heldBytesMax: number;
  /** How long they stay when their requests are stored, for spans that come after a restart. */
  readonly keptMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What was decided about the traces of requests in the journal, for as long as they are in it and a little longer. */
export interface VerdictBook {
  /** For all requests of the range. Never rejects: without its file a crash leads to new decisions. */
  readonly write: (range: Range, sheets: Uint8Array) => Promise<void>;
  /** Undefined when nothing was decided. */
  readonly of: (seq: number) => Promise<Uint8Array | undefined>;
  /** All that an earlier process left; what is not needed any more goes with it. */
  readonly all: () => AsyncIterable<Uint8Array>;
  /** These requests are stored, or part of those that a page was written for. */
  readonly settle: (range: Range) => void;
  /** Resolves when nothing is being written or removed. */
  readonly idle: () => Promise<void>;
}

interface Page {
  /** Earlier decisions count: spans may have been left out by them. */
  readonly order: number;
  readonly path: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  sheets: Uint8Array | undefined;
}

const nameOf = (order: number, { firstSeq, lastSeq }: Range): string =>
  `${order}-${firstSeq}-${lastSeq}.verdicts`;
const namePattern = /^(\d+)-(\d+)-(\d+)\.verdicts$/;

/**
 * Opens what an earlier process left. `outstanding` are the requests that are still to be stored: what
 * was decided about others is removed, because numbers may come again.
 */
export const openVerdictBook = async (
  options: VerdictBookOptions,
  outstanding: readonly Range[],
): Promise<VerdictBook> => {
  const { dir, clock, log } = options;
  const pages: Page[] = [];
  /** Stored, and kept for a while. */
  const done: { readonly path: string; readonly untilMs: number }[] = [];
  /** Disjoint, with how many of their requests are not stored yet. */
  const open = new Map<Range, number>(outstanding.map((it) => [it, it.requests]));
  let order = 0;
  let heldBytes = 0;
  let working = Promise.resolve();

  /** One after the other. Never rejects. */
  const work = (event: string, action: () => Promise<unknown>): Promise<void> => {
    working = working.then(action).then(
      () => {},
      (error: unknown) => log.warn(event, { dir, error }),
    );
    return working;
  };

  const isNeeded = (page: Page): boolean =>
    open.keys().some((it) => it.firstSeq <= page.lastSeq && it.lastSeq >= page.firstSeq);

  const clean = (keptMs: number): void => {
    const nowMs = clock.monotonicMs();
    for (const page of pages.filter((it) => !isNeeded(it))) {
      pages.splice(pages.indexOf(page), 1);
      heldBytes -= page.sheets?.length ?? 0;
      done.push({ path: page.path, untilMs: nowMs + keptMs });
    }
    for (let oldest = done[0]; oldest && oldest.untilMs <= nowMs; oldest = done[0]) {
      const { path } = oldest;
      done.shift();
      void work('tail_verdicts_not_removed', () => rm(path, { force: true }));
    }
  };

  const hold = (page: Page, sheets: Uint8Array): void => {
    page.sheets = sheets;
    heldBytes += sheets.length;
    for (const oldest of pages) {
      if (heldBytes <= options.heldBytesMax) return;
      if (oldest === page) continue;
      heldBytes -= oldest.sheets?.length ?? 0;
      oldest.sheets = undefined;
    }
  };

  const read = async (page: Page): Promise<Uint8Array | undefined> => {
    try {
      return await readFile(page.path);
    } catch (error) {
      log.warn('tail_verdicts_not_read', { file: page.path, error });
      return undefined;
    }
  };

  for (const name of await readdir(dir).catch(() => [])) {
    const [, nth, first, last] = namePattern.exec(name) ?? [];
    if (nth === undefined) continue;
    const [firstSeq, lastSeq] = [Number(first), Number(last)];
    const path = join(dir, name);
    pages.push({ order: Number(nth), path, firstSeq, lastSeq, sheets: undefined });
  }
  pages.sort((a, b) => a.order - b.order);
  order = pages.at(-1)?.order ?? 0;

  return {
    write: (range, sheets) => {
      order += 1;
      const { firstSeq, lastSeq, requests } = range;
      const path = join(dir, nameOf(order, range));
      const page: Page = { order, path, firstSeq, lastSeq, sheets: undefined };
      pages.push(page);
      for (const it of [...open.keys()]) if (holds(range, it)) open.delete(it);
      open.set(range, requests);
      hold(page, sheets);
      return work('tail_verdicts_not_written', async () => {
        await mkdir(dir, { recursive: true, mode: 0o700 });
        await writeFile(path, sheets, { mode: 0o600 });
      });
    },
    of: async (seq) => {
      const page = pages.find((it) => it.firstSeq <= seq && seq <= it.lastSeq);
      if (!page || page.sheets) return page?.sheets;
      const sheets = await read(page);
      if (sheets) hold(page, sheets);
      return sheets;
    },
    all: async function* () {
      for (const page of [...pages]) {
        const sheets = page.sheets ?? (await read(page));
        if (sheets) yield sheets;
      }
      clean(0);
    },
    settle: (range) => {
      const run = open
        .keys()
        .find((it) => it.firstSeq <= range.firstSeq && range.lastSeq <= it.lastSeq);
      if (!run) return;
      const left = (open.get(run) ?? 0) - range.requests;
      if (left > 0) open.set(run, left);
      else open.delete(run);
      clean(options.keptMs);
    },
    idle: () => working,
  };
};

const holds = (outer: Range, inner: Range): boolean =>
  outer.firstSeq <= inner.firstSeq && inner.lastSeq <= outer.lastSeq;
