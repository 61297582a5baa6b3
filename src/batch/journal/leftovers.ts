import type { Signal } from '../../model/ingest.ts';
import { signals } from './content-hash.ts';
import { type GrowingRange, openRange, type Range } from './range.ts';
import type { MarkRecord, RequestRecord } from './record.ts';

/** A batch that has its name and is not stored. */
export interface CutBatch {
  readonly name: string;
  readonly range: Range;
}

/** What is still to be stored of one signal. */
export interface Leftover {
  readonly batches: readonly CutBatch[];
  /** Without a name and never cut; not neighbours, so that each is read alone. */
  readonly uncut: readonly Range[];
}

interface KnownBatch {
  readonly mark: MarkRecord;
  readonly done: boolean;
}

/** Marks of all signals; what is finished may have lost its cut, but never the other way round. */
export class Marks {
  readonly #bySignal = new Map<Signal, Map<number, KnownBatch>>(
    signals.map((it) => [it, new Map<number, KnownBatch>()]),
  );
  readonly #done = new Set<string>();

  add(mark: MarkRecord): void {
    const known = this.#bySignal.get(mark.signal);
    const done = mark.kind !== 'cut' || (known?.get(mark.firstSeq)?.done ?? false);
    known?.set(mark.firstSeq, { mark, done });
    if (mark.kind !== 'cut') this.#done.add(mark.name);
  }

  isDone(name: string): boolean {
    return this.#done.has(name);
  }

  batches(): ReadonlyMap<Signal, readonly KnownBatch[]> {
    return new Map(
      [...this.#bySignal].map(([signal, known]) => [
        signal,
        [...known.values()].toSorted((a, b) => a.mark.firstSeq - b.mark.firstSeq),
      ]),
    );
  }
}

/** Gives each request to the batch that it names or was cut into, or to a run of the others. */
export class Sorter {
  readonly #marks: Marks;
  readonly #batches: ReadonlyMap<Signal, readonly KnownBatch[]>;
  readonly #named = new Map<string, GrowingRange>();
  readonly #ranges = new Map<KnownBatch, GrowingRange>();
  readonly #uncut = new Map<Signal, GrowingRange[]>();
  readonly #growing = new Map<Signal, GrowingRange>();

  constructor(marks: Marks) {
    this.#marks = marks;
    this.#batches = marks.batches();
  }

  /** True when the request is still to be stored. */
  place(record: RequestRecord, place: Parameters<GrowingRange['written']>[0]): boolean {
    const { signal, seq, batch: name } = record;
    if (name !== '') {
      this.#growing.delete(signal);
      if (this.#marks.isDone(name)) return false;
      const range = getOrAdd(this.#named, name, () => openRange(signal, name));
      range.claim(seq);
      range.written(place);
      return true;
    }
    const batch = lastAtOrBefore(this.#batches.get(signal) ?? [], seq);
    if (batch && seq <= batch.mark.lastSeq) {
      this.#growing.delete(signal);
      if (batch.done) return false;
      getOrAdd(this.#ranges, batch, () => openRange(signal)).written(place);
      this.#ranges.get(batch)?.claim(seq);
      return true;
    }
    const range = getOrAdd(this.#growing, signal, () => {
      const opened = openRange(signal);
      getOrAdd(this.#uncut, signal, () => []).push(opened);
      return opened;
    });
    range.claim(seq);
    range.written(place);
    return true;
  }

  leftovers(): ReadonlyMap<Signal, Leftover> {
    return new Map(
      signals.map((signal) => [
        signal,
        {
          batches: [...this.#cutBatches(signal), ...this.#namedBatches(signal)],
          uncut: this.#uncut.get(signal) ?? [],
        },
      ]),
    );
  }

  #cutBatches(signal: Signal): readonly CutBatch[] {
    return (this.#batches.get(signal) ?? []).flatMap((batch) => {
      const range = this.#ranges.get(batch);
      // The names and bounds of the mark, whatever of the requests is left.
      const { name, firstSeq, lastSeq } = batch.mark;
      return range ? [{ name, range: { ...range, firstSeq, lastSeq } }] : [];
    });
  }

  #namedBatches(signal: Signal): readonly CutBatch[] {
    const ranges = [...this.#named.values()].filter((it) => it.signal === signal);
    return ranges.map((range) => ({ name: range.name, range }));
  }
}

const getOrAdd = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
};

const lastAtOrBefore = (batches: readonly KnownBatch[], seq: number): KnownBatch | undefined => {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((batches[middle]?.mark.firstSeq ?? 0) <= seq) low = middle + 1;
    else high = middle;
  }
  return batches[low - 1];
};
