import { type BackoffLimits, backoffMs, type Random } from '../lib/backoff.ts';
import type { Cancel, Clock } from '../lib/clock.ts';
import { Fault, messageOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import { writeLine } from '../lib/thread-log.ts';
import { createMeterReplay } from '../lib/thread-meter.ts';
import type { Acceptance, OtlpRequest } from '../model/ingest.ts';
import { type BlameLimits, createBlame, defaultBlameLimits } from './blame.ts';
import type { WorkerSetup } from './messages.ts';
import type { IngestPath } from './path.ts';
import { poolInstruments } from './pool-instruments.ts';
import { HandedBack, type IngestThread, startIngestThread, type ThreadEnd } from './thread.ts';

export interface IngestPoolLimits extends BlameLimits {
  /**
   * Not answered yet by one worker; beyond either, requests are refused with a delay, whoever sends
   * them. What the doors let in together should be less: they refuse whoever has the most.
   */
  readonly workerBytesMax: number;
  readonly workerRequestsMax: number;
  /**
   * While the first worker has no more than this, it gets everything: each worker cuts blocks of its
   * own, and many small ones cost ClickHouse more than few large ones.
   */
  readonly packedBytesMax: number;
  /** JavaScript heap of one worker; beyond, it ends and is replaced. */
  readonly heapMebibytesMax: number;
  /** Decoding one request; beyond, the worker is ended as stuck. */
  readonly decodeMsMax: number;
  /** How often workers are looked at for that. */
  readonly watchEveryMs: number;
  /** For all workers to become ready at first. */
  readonly startMsMax: number;
  /** For all workers to tell each other what they learned of traces at the end. */
  readonly shareMsMax: number;
  /** For all workers to store what they hold at the end. */
  readonly drainMsMax: number;
  /** Between a death and its replacement; the count starts anew after `steadyMs` of life. */
  readonly restart: BackoffLimits;
  readonly steadyMs: number;
}

const mebibyte = 1024 * 1024;

const defaultPoolLimits: IngestPoolLimits = {
  ...defaultBlameLimits,
  workerBytesMax: 256 * mebibyte,
  workerRequestsMax: 10_000,
  packedBytesMax: 2 * mebibyte,
  heapMebibytesMax: 512,
  decodeMsMax: 20_000,
  watchEveryMs: 1_000,
  startMsMax: 60_000,
  shareMsMax: 1_000,
  drainMsMax: 12_000,
  restart: { firstMs: 100, maxMs: 10_000 },
  steadyMs: 60_000,
};

const lostRetryMs = 1_000;
/** Once is enough unless a request is refused by one worker and taken by another just then. */
const handoversMax = 3;

export interface IngestPoolOptions {
  /** How many, at least 1. */
  readonly workers: number;
  /** `thread` counts all threads that this pool ever started, so that no name comes twice. */
  readonly setup: (workerIndex: number, thread: number) => WorkerSetup;
  /** What runs in each thread; another one for tests. */
  readonly entry?: URL;
  readonly limits?: Partial<IngestPoolLimits>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
}

/** A worker's place: it stays when the thread in it dies. */
interface Slot {
  readonly index: number;
  thread: IngestThread | undefined;
  startedMs: number;
  /** Deaths without a steady life between them. */
  deaths: number;
  restartAtMs: number;
  cancelRestart: Cancel;
  /** What it decoded when it was last looked at, and since when. */
  decoding: { readonly id: number; readonly sinceMs: number };
}

const workerEntry = new URL('./worker.ts', import.meta.url);

/**
 * Ingest on worker threads, each with columns, batches and connections of its own. Resolves when
 * every worker is ready; rejects with ERR_INGEST_START when one cannot start.
 *
 * `ingest` takes the buffers of a request away. Besides the faults of the path itself it rejects
 * with ERR_INGEST_BUSY, ERR_INGEST_DOWN, ERR_INGEST_LOST (`retry`: the worker died; what it had
 * stored already is stored) and ERR_INGEST_DEADLY (`reject`: workers die of this request).
 */
export const startIngestPool = async (options: IngestPoolOptions): Promise<IngestPath> => {
  const { clock, random, log } = options;
  const limits = { ...defaultPoolLimits, ...options.limits };
  const blame = createBlame(clock, limits);
  const { replay, forget } = createMeterReplay(options.meter);
  const slots = Array.from({ length: options.workers }, (_, index) => emptySlot(index));
  const count = poolInstruments(options.meter, slots);
  const idle = Promise.withResolvers<void>();
  let threads = 0;
  let stopping = false;
  let cancelWatch: Cancel = () => {};

  /** Resolves when the thread is ready; rejects when it ends before. */
  const start = (slot: Slot): Promise<void> => {
    const ready = Promise.withResolvers<void>();
    const source = String((threads += 1));
    const threadLog = log.child({ worker: slot.index });
    slot.startedMs = clock.monotonicMs();
    slot.decoding = { id: 0, sinceMs: slot.startedMs };
    slot.thread = startIngestThread({
      entry: options.entry ?? workerEntry,
      setup: options.setup(slot.index, threads),
      heapMebibytesMax: limits.heapMebibytesMax,
      lostRetryMs,
      onReady: ready.resolve,
      onLine: (line) => writeLine(threadLog, line),
      onReport: (report) => replay(source, report),
      onTraces: (told) => {
        for (const other of slots) if (other !== slot) other.thread?.tell(told);
      },
      onEnd: (end) => {
        slot.thread = undefined;
        forget(source);
        ready.reject(end.error ?? new Error('the thread ended before it was ready'));
        ended(slot, end);
      },
    });
    return ready.promise;
  };

  const ended = (slot: Slot, end: ThreadEnd): void => {
    if (stopping && slots.every((it) => !it.thread)) idle.resolve();
    if (end.reason === 'drained' && stopping) return;
    const { reason, error, lost } = end;
    if (end.culprit) blame.died(end.culprit.hash);
    count.died(slot.index, end);
    const fields = {
      worker: slot.index,
      reason,
      error,
      lost,
      blamed: end.culprit !== undefined,
    };
    if (stopping) return log.error('ingest_worker_died', fields);
    const steady = clock.monotonicMs() - slot.startedMs >= limits.steadyMs;
    slot.deaths = steady ? 1 : slot.deaths + 1;
    const waitMs = backoffMs(slot.deaths - 1, limits.restart, random);
    log.error('ingest_worker_died', { ...fields, deaths: slot.deaths, restart_ms: waitMs });
    slot.restartAtMs = clock.monotonicMs() + waitMs;
    slot.cancelRestart = clock.after(waitMs, () => void restart(slot));
  };

  const restart = async (slot: Slot): Promise<void> => {
    try {
      await start(slot);
      for (const other of slots) if (other !== slot) other.thread?.retell();
      log.info('ingest_worker_restarted', { worker: slot.index, deaths: slot.deaths });
    } catch {
      // Its end was logged, and brings the next attempt.
    }
  };

  /** Ends workers that do not come back from a request: nothing else could answer the others. */
  const watch = (): void => {
    const nowMs = clock.monotonicMs();
    for (const slot of slots) {
      const id = slot.thread?.decodingId() ?? 0;
      if (id === 0 || id !== slot.decoding.id) slot.decoding = { id, sinceMs: nowMs };
      else if (nowMs - slot.decoding.sinceMs > limits.decodeMsMax) slot.thread?.kill('stuck');
    }
    cancelWatch = clock.after(limits.watchEveryMs, watch);
  };

  const refuse = (code: `ERR_${string}`, message: string, retryAfterMs: number): never => {
    count.refused(code);
    throw new Fault(code, message, { remedy: 'retry', retryAfterMs });
  };

  const ingest = async (request: OtlpRequest): Promise<Acceptance> => {
    if (stopping) return refuse('ERR_INGEST_DOWN', 'the daemon is stopping', lostRetryMs);
    const hash = blame.hashOf(request);
    if (blame.isRefused(hash)) {
      count.refused('ERR_INGEST_DEADLY');
      const message = 'decoding this request broke the decoder again and again; it is not taken';
      throw new Fault('ERR_INGEST_DEADLY', message, { remedy: 'reject' });
    }
    const thread = chooseThread(slots, limits.packedBytesMax);
    if (!thread) {
      const waitMs = Math.min(...slots.map((it) => it.restartAtMs)) - clock.monotonicMs();
      return refuse('ERR_INGEST_DOWN', 'no worker is running', Math.max(waitMs, lostRetryMs));
    }
    return give(thread, request, hash, 0);
  };

  const give = async (
    thread: IngestThread,
    request: OtlpRequest,
    hash: string | undefined,
    handovers: number,
  ): Promise<Acceptance> => {
    const [bytes, requests] = [thread.bytes(), thread.requests()];
    const full = bytes > 0 && bytes + request.body.length > limits.workerBytesMax;
    if (full || requests >= limits.workerRequestsMax) {
      const message = `the worker to ask has ${requests} requests of ${bytes} bytes to store`;
      return refuse('ERR_INGEST_BUSY', message, lostRetryMs);
    }
    try {
      return await thread.send(request, hash);
    } catch (error) {
      if (!(error instanceof HandedBack)) throw error;
      return handOn(error, hash, handovers + 1);
    }
  };

  /** To the one that may have taken it before, and to nobody else: it would be stored twice. */
  const handOn = (
    { request, worker }: HandedBack,
    hash: string | undefined,
    handovers: number,
  ): Promise<Acceptance> => {
    const slot = slots[worker];
    if (stopping) return refuse('ERR_INGEST_DOWN', 'the daemon is stopping', lostRetryMs);
    if (!slot?.thread) {
      const waitMs = (slot?.restartAtMs ?? 0) - clock.monotonicMs();
      const message = 'the worker that may have taken this request before is not running';
      return refuse('ERR_INGEST_DOWN', message, Math.max(waitMs, lostRetryMs));
    }
    if (handovers > handoversMax) {
      return refuse('ERR_INGEST_BUSY', 'this request comes too often at once', lostRetryMs);
    }
    count.handedOn();
    return give(slot.thread, request, hash, handovers);
  };

  /** What one worker knows of a trace, another is about to decide by. */
  const share = async (): Promise<void> => {
    const late = new AbortController();
    const all = Promise.all(slots.map(async ({ thread }) => thread?.share()));
    await Promise.race([all, clock.sleep(limits.shareMsMax, late.signal)]);
    late.abort();
  };

  let drained: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    stopping = true;
    await share();
    for (const slot of slots) {
      slot.cancelRestart();
      slot.thread?.drain();
    }
    if (slots.every((it) => !it.thread)) idle.resolve();
    const late = clock.after(limits.drainMsMax, () => {
      const lost = slots.reduce((sum, it) => sum + (it.thread?.requests() ?? 0), 0);
      log.error('ingest_workers_abandoned', { requests: lost, drain_ms: limits.drainMsMax });
      for (const slot of slots) slot.thread?.kill('exit');
    });
    await idle.promise;
    late();
    cancelWatch();
  };

  const startAll = async (): Promise<void> => {
    const late = Promise.withResolvers<never>();
    const cancel = clock.after(limits.startMsMax, () =>
      late.reject(new Error(`not ready after ${limits.startMsMax} ms`)),
    );
    try {
      await Promise.race([Promise.all(slots.map(start)), late.promise]);
    } catch (error) {
      for (const slot of slots) slot.thread?.kill('exit');
      await drain();
      const message = `an ingest worker does not start: ${messageOf(error)}`;
      throw new Fault('ERR_INGEST_START', message, { remedy: 'reject', cause: error });
    } finally {
      cancel();
    }
  };

  await startAll();
  watch();
  return { ingest, drain: () => (drained ??= drain()) };
};

const emptySlot = (index: number): Slot => ({
  index,
  thread: undefined,
  startedMs: 0,
  deaths: 0,
  restartAtMs: 0,
  cancelRestart: () => {},
  decoding: { id: 0, sinceMs: 0 },
});

/** The first one with little to do, or else the one with the fewest bytes; undefined for none. */
const chooseThread = (slots: readonly Slot[], packedBytesMax: number): IngestThread | undefined => {
  let least: IngestThread | undefined;
  for (const { thread } of slots) {
    if (!thread) continue;
    if (thread.bytes() < packedBytesMax) return thread;
    if (!least || thread.bytes() < least.bytes()) least = thread;
  }
  return least;
};
