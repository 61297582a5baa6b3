import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Cancel, Clock } from '../lib/clock.ts';
import { Fault, messageOf, remedyOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { ColumnBuilder, InsertBlock, NamedBlock } from '../model/block.ts';
import type { Signal } from '../model/ingest.ts';
import { type SetAside, type SetAsideItem, setAsidePrefix } from '../model/set-aside.ts';
import {
  type AsideFile,
  type AsideShelf,
  createAsideShelf,
  signalOf,
} from './journal/aside-shelf.ts';
import { openRange } from './journal/range.ts';
import { namedGroups } from './named-groups.ts';
import { type Decompress, redecodeBatch } from './redecode.ts';

export interface SetAsideOptions {
  readonly dataDir: string;
  /** Below it; holds one directory for each journal. */
  readonly journals: string;
  readonly createBuilder: (signal: Signal) => ColumnBuilder;
  readonly decompress: Decompress;
  readonly insert: InsertBlock;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface SetAsideBox extends SetAside {
  /** Stops looking how much there is, for the metrics. */
  readonly stop: () => void;
}

const measureEveryMs = 30_000;

/** What journals set aside, for a person who decides about it: one thing after the other. */
export const createSetAside = (options: SetAsideOptions): SetAsideBox => {
  const { clock, log, journals } = options;
  const shelf = createAsideShelf(join(options.dataDir, journals));
  const measured = instruments(options.meter);
  let before: Promise<unknown> = Promise.resolve();
  let cancel: Cancel = () => {};
  let stopped = false;

  const look = async (): Promise<readonly SetAsideItem[]> => {
    const items = (await shelf.list()).map((it) => itemOf(it, journals));
    measured.found(items);
    return items.toSorted((a, b) => b.atMs - a.atMs);
  };

  const measure = async (): Promise<void> => {
    await look().catch((error: unknown) => log.warn('set_aside_not_listed', { error }));
    if (!stopped) cancel = clock.after(measureEveryMs, () => void measure());
  };

  /** Two people may ask for the same. */
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = before.then(work, work);
    before = result;
    return result;
  };

  const withFile = (id: string, work: (file: AsideFile) => Promise<void>): Promise<boolean> =>
    alone(async () => {
      const file = (await shelf.list()).find((it) => idOf(it) === id);
      if (!file) return false;
      await work(file);
      await look();
      return true;
    });

  const retry = async (file: AsideFile): Promise<void> => {
    const { place } = file;
    const signal = file.folder === 'rejected' ? await signalOf(shelf, file) : undefined;
    if (!signal) throw unreadable(place);
    const read = await readAgain(options, shelf, file, signal);
    if (read.requests === 0) throw unreadable(place);
    await insertAll(options.insert, shelf, file, missingOf(file, read.blocks));
    await shelf.remove(file);
    const fields = { file: place, signal, requests: read.requests };
    log.info('set_aside_stored', fields);
    if (read.damages > 0) log.error('set_aside_partly_lost', { ...fields, damages: read.damages });
  };

  void measure();
  return {
    list: look,
    retry: (id) => withFile(id, retry),
    drop: (id) =>
      withFile(id, async (file) => {
        await shelf.remove(file);
        log.warn('set_aside_dropped', { file: file.place, bytes: file.bytes });
      }),
    stop: () => {
      stopped = true;
      cancel();
    },
  };
};

const readAgain = async (
  { createBuilder, decompress }: SetAsideOptions,
  shelf: AsideShelf,
  file: AsideFile,
  signal: Signal,
) => {
  const found = { requests: 0, damages: 0 };
  async function* read() {
    for await (const request of shelf.requests(file, () => (found.damages += 1))) {
      found.requests += 1;
      yield request;
    }
  }
  const undecodable = async (_: unknown, error: Fault): Promise<void> => {
    throw refused(file.place, error);
  };
  const builder = createBuilder(signal);
  const groups = await redecodeBatch({ builder, read, decompress, undecodable }, openRange(signal));
  return { ...found, blocks: namedGroups(groups, await shelf.nameOf(file)) };
};

/**
 * Blocks that were stored before it was set aside may be so long ago that nobody knows them again.
 * When it decodes into other blocks now, all of them: better stored twice than not at all.
 */
const missingOf = ({ label }: AsideFile, blocks: readonly NamedBlock[]): readonly NamedBlock[] => {
  const { missing } = label;
  if (!missing) return blocks;
  const wanted = blocks.filter((block) =>
    missing.some((it) => it.name === block.name && it.table === block.table),
  );
  return wanted.length === missing.length ? wanted : blocks;
};

/** Stops at the first that is not stored, noting those that are. */
const insertAll = async (
  insert: InsertBlock,
  shelf: AsideShelf,
  file: AsideFile,
  blocks: readonly NamedBlock[],
): Promise<void> => {
  for (const [index, block] of blocks.entries()) {
    try {
      await insert({ ...block, sentBefore: true });
    } catch (error) {
      const missing = blocks.slice(index).map(({ name, table }) => ({ name, table }));
      await shelf.relabel(file, { ...file.label, missing, ...said(error) });
      throw refused(file.place, error);
    }
  }
};

const said = (error: unknown) => ({
  code: error instanceof Fault ? error.code : '',
  message: messageOf(error),
});

const refused = (place: string, error: unknown): unknown => {
  const remedy = remedyOf(error);
  if (remedy === 'unforeseen') return error;
  const code = remedy === 'reject' ? 'ERR_SET_ASIDE_REFUSED' : 'ERR_SET_ASIDE_NOT_STORED';
  return new Fault(code, `${place} is kept: ${messageOf(error)}`, { remedy, cause: error });
};

const unreadable = (place: string): Fault =>
  new Fault(
    'ERR_SET_ASIDE_UNREADABLE',
    `nothing in ${place} can be stored: what was readable went its way from the journal`,
    { remedy: 'reject' },
  );

const idOf = ({ place }: AsideFile): string =>
  `${setAsidePrefix}${createHash('sha256').update(place).digest('hex').slice(0, 16)}`;

const itemOf = (file: AsideFile, journals: string): SetAsideItem => {
  const { label } = file;
  const isDamage = file.folder === 'damaged';
  return {
    id: idOf(file),
    kind: isDamage ? 'damage' : label.kind,
    atMs: label.atMs ?? file.changedMs,
    signal: label.signal,
    requests: label.requests,
    items: label.items,
    bytes: file.bytes,
    code: label.code,
    reason: isDamage ? reasonOfDamage(file) : label.message,
    retryable: !isDamage,
    file: join(journals, file.place),
  };
};

const reasonOfDamage = ({ label }: AsideFile): string => {
  const places = (label.damages ?? []).map(({ offset, bytes }) => `${bytes} bytes at ${offset}`);
  return places.length === 0 ? label.message : `cannot be trusted: ${places.join(', ')}`;
};

const instruments = (meter: Meter) => {
  const levels = new Map<SetAsideItem['kind'], { files: number; bytes: number; items: number }>();
  const observe = (of: 'files' | 'bytes' | 'items') => () =>
    [...levels].map(([kind, level]) => ({ value: level[of], attributes: { kind } }));
  const gauge = (name: `tocsin_${string}`, of: 'files' | 'bytes' | 'items', unit: string) => {
    const description = `Set aside until a person decides, by kind: ${of}`;
    meter.gauge(name, { description, unit }, observe(of));
  };
  gauge('tocsin_journal_aside_files_held', 'files', '{file}');
  gauge('tocsin_journal_aside_bytes_held', 'bytes', 'By');
  gauge('tocsin_journal_aside_items_held', 'items', '{item}');
  return {
    found: (items: readonly SetAsideItem[]) => {
      for (const kind of ['batch', 'request', 'damage'] as const) {
        levels.set(kind, { files: 0, bytes: 0, items: 0 });
      }
      for (const it of items) {
        const level = levels.get(it.kind);
        if (!level) continue;
        level.files += 1;
        level.bytes += it.bytes;
        level.items += it.items ?? 0;
      }
    },
  };
};
