import { Fault } from '../lib/fault.ts';
import type { Meter } from '../lib/meter.ts';
import type { NotedTraces, RecallBuilder, TailTraces, TailTrigger } from '../model/tail.ts';
import { batchInstruments } from './batch-instruments.ts';
import { createBatchSender } from './batch-sender.ts';
import type { Journal } from './journal/journal.ts';
import type { Range } from './journal/range.ts';
import type { RequestRecord } from './journal/record.ts';
import {
  defaultBatchLimits,
  type JournaledBatcher,
  type JournaledBatcherOptions,
  type JournaledBatchLimits,
} from './journaled-batcher.ts';
import { createTailLine, type Slice } from './tail-line.ts';
import { openVerdictBook, type VerdictBook } from './verdict-book.ts';

export interface TailBatchLimits extends JournaledBatchLimits {
  /** How long requests wait for the rest of their traces, and a little more. */
  readonly waitMs: number;
  /** Requests of so long wait as one… */
  readonly sliceMs: number;
  /** …and those that were decided about become one run, up to so many spans. */
  readonly runSpansMax: number;
  /** What was decided, kept in memory; beyond it is read again from its files. */
  readonly verdictBytesMax: number;
  /** How long what was decided is of use behind a restart, for spans that come late. */
  readonly verdictsKeptMs: number;
}

const defaultTailLimits = {
  ...defaultBatchLimits,
  sliceMs: 1_000,
  runSpansMax: 524_288,
  verdictBytesMax: 16 * 1024 * 1024,
  verdictsKeptMs: 60_000,
};

export interface TailBatcherOptions
  extends Omit<JournaledBatcherOptions, 'signal' | 'createBuilder' | 'limits'> {
  readonly tail: TailTraces;
  /** For what was decided; no other journal may have it. */
  readonly verdictsDir: string;
  readonly limits: Partial<TailBatchLimits> & { readonly waitMs: number };
}

/** Decided about, and not handed on yet. */
interface Run {
  readonly range: Range;
  readonly sheets: Uint8Array[];
  readonly spans: number;
}

/**
 * Batches of spans whose traces are decided about as a whole. A request is judged, journaled and
 * acknowledged as ever; of what it tells of its traces is remembered what the decision needs, and its
 * rows are only decoded after it. So waiting takes room in the journal and not in memory.
 */
export const createTailBatcher = (options: TailBatcherOptions): JournaledBatcher => {
  const { tail, clock, log } = options;
  const signal = 'traces';
  const limits = { ...defaultTailLimits, ...options.limits };
  const stopping = new AbortController();
  const leftover = options.journal.leftover(signal);
  const opened = openVerdictBook(
    {
      dir: options.verdictsDir,
      heldBytesMax: limits.verdictBytesMax,
      keptMs: limits.verdictsKeptMs,
      clock,
      log,
    },
    [...leftover.batches.map((it) => it.range), ...leftover.uncut],
  );
  /** Undefined until it is open. */
  let book: VerdictBook | undefined;
  let run: Run | undefined;
  /** Being written down, in order. */
  let handing = Promise.resolve();
  let handingRuns = 0;
  let builder: RecallBuilder | undefined;

  const journal: Journal = {
    ...options.journal,
    leftover: () => ({ batches: leftover.batches, uncut: [] }),
    stored: (range, name) => {
      options.journal.stored(range, name);
      book?.settle(range);
    },
    setAside: async (range, ...more) => {
      await options.journal.setAside(range, ...more);
      book?.settle(range);
    },
  };

  const count = batchInstruments(options.meter, signal, {
    heldBytes: () => sender.heldBytes(),
    heldRows: () => 0,
    inFlightBlocks: () => sender.inFlight(),
    queuedBlocks: () => sender.waiting(),
    lateBatches: () => sender.late(),
  });
  waitingGauge(options.meter, () => line.requests());

  const accept: JournaledBatcher['accept'] = (encoding, body, wire) => {
    const { coding, bytes } = wire ?? ({ coding: 'identity', bytes: body } as const);
    const kind = { signal, encoding, coding } as const;
    return journal.once(kind, bytes, async (hash) => {
      journal.admit(bytes.length);
      const slice = line.current();
      const acceptance = tail.note(slice.noted, encoding, body);
      const spans = acceptance.accepted - (acceptance.sampledOut ?? 0);
      if (spans === 0) return acceptance;
      const written = journal.append({ ...kind, bytes, hash, acceptance }, slice.range);
      await line.join(slice, spans, written);
      return acceptance;
    });
  };

  const leave = (slice: Slice, trigger: TailTrigger): void => {
    const { range, spans, noted, decided = [] } = slice;
    run = {
      range: run ? joined(run.range, range) : range,
      sheets: run?.sheets ?? [],
      spans: (run?.spans ?? 0) + spans,
    };
    run.sheets.push(...decided, tail.decide(noted, trigger));
    consider();
  };

  /** Hands on what was decided, unless enough is under way: then more may join it. */
  const consider = (): void => {
    if (!run) return;
    const under = sender.inFlight() + sender.waiting() + handingRuns;
    const isDue = under < limits.inFlightBatchesMax || run.spans >= limits.runSpansMax;
    if (isDue || stopping.signal.aborted) hand(run);
  };

  const hand = ({ range, sheets }: Run): void => {
    run = undefined;
    handingRuns += 1;
    handing = handing.then(async () => {
      book ??= await opened;
      // Written before any of it is cut: after that a crash does not lead to other decisions.
      await book.write(range, Buffer.concat(sheets));
      handingRuns -= 1;
      sender.add(range, undefined, undefined);
    });
  };

  const line = createTailLine({
    limits: { ...limits, sliceSpansMax: limits.runSpansMax / 8 },
    tail,
    clock,
    leave,
  });

  const sender = createBatchSender({
    ...options,
    signal,
    journal,
    limits,
    createBuilder: () => (builder ??= tail.createBuilder()),
    isFull: (it) => it.rows() >= limits.rowsMax || it.bytes() >= limits.bytesMax,
    prepare: async ({ record }) => {
      book ??= await opened;
      const sheets = await book.of(record.seq);
      builder?.recall(sheets);
    },
    onDecoded: (how, blocks) => {
      if (how === 'first') count.cut('tail', blocks);
      builder?.settle(how === 'first' ? 'count' : 'forget');
    },
    onProgress: consider,
    onSetAside: count.lost,
  });

  /** What an earlier process left undecided waits again, with what it tells of its traces. */
  const replay = async (): Promise<void> => {
    book = await opened;
    for await (const sheets of book.all()) tail.restore(sheets);
    for (const range of leftover.uncut) {
      const slice = await noteAgain(range, book);
      if (stopping.signal.aborted) return;
      line.enter(slice);
    }
  };

  /** A disk that does not answer makes decisions poorer: they are taken with what is known then. */
  const noteAgain = async (range: Range, known: VerdictBook): Promise<Slice> => {
    const decided: Uint8Array[] = [];
    let noted = tail.open();
    let spans = 0;
    try {
      for await (const { record, body } of options.journal.read(range)) {
        if (stopping.signal.aborted) break;
        if ((await known.of(record.seq)) !== undefined) continue;
        spans += record.acceptance.accepted;
        await noteOne(noted, record, body);
        if (!tail.isCrowded(noted)) continue;
        decided.push(tail.decide(noted, 'early'));
        noted = tail.open();
      }
    } catch (error) {
      log.warn('tail_replay_failed', { requests: range.requests, error });
    }
    return { range, noted, spans, decided };
  };

  const noteOne = async (
    noted: NotedTraces,
    { coding, encoding }: RequestRecord,
    body: Uint8Array,
  ): Promise<void> => {
    try {
      const plain = coding === 'identity' ? body : await options.decompress(coding, body);
      tail.note(noted, encoding, plain, 'again');
    } catch (error) {
      // One that cannot be decoded any more is set aside when its turn comes.
      if (!(error instanceof Fault) || error.remedy !== 'reject') throw error;
    }
  };
  const replayed = replay();

  const drain = async (): Promise<void> => {
    stopping.abort();
    await replayed;
    await line.drain();
    consider();
    const late = new AbortController();
    const idle = handing.then(() => sender.idle());
    await Promise.race([idle, clock.sleep(limits.drainMsMax, late.signal)]);
    late.abort();
    sender.stop();
    await book?.idle();
    const left = sender.inFlight() + sender.waiting() + handingRuns;
    if (left > 0) log.warn('batches_left_in_journal', { signal, batches: left });
  };
  let drained: Promise<void> | undefined;
  return { accept, drain: () => (drained ??= drain()) };
};

const waitingGauge = (meter: Meter, requests: () => number): void =>
  meter.gauge(
    'tocsin_tail_requests_waiting',
    {
      description: 'Acknowledged requests that wait for the rest of their traces, in the journal',
      unit: '{request}',
    },
    requests,
  );

const joined = (one: Range, next: Range): Range => {
  const parts = new Map(one.parts);
  for (const [segment, requests] of next.parts) {
    parts.set(segment, (parts.get(segment) ?? 0) + requests);
  }
  return {
    ...one,
    lastSeq: Math.max(one.lastSeq, next.lastSeq),
    requests: one.requests + next.requests,
    bytes: one.bytes + next.bytes,
    failed: one.failed + next.failed,
    parts,
  };
};
