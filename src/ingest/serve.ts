import type { MessagePort } from 'node:worker_threads';
import { Elsewhere } from '../batch/journal/remembered.ts';
import type { Clock } from '../lib/clock.ts';
import { freeBytes } from '../lib/free-bytes.ts';
import type { Log } from '../lib/log.ts';
import { type Meter, secondsBounds } from '../lib/meter.ts';
import { toPlainError } from '../lib/plain-error.ts';
import { createPostedLog } from '../lib/thread-log.ts';
import { createGatheringMeter } from '../lib/thread-meter.ts';
import type { OtlpRequest } from '../model/ingest.ts';
import { createFairQueue, type FairQueue } from './fair-queue.ts';
import type { Answer, FromWorker, ToWorker, WorkerData } from './messages.ts';
import type { IngestPath } from './path.ts';

export interface ServeOptions {
  /** To the main thread. */
  readonly port: MessagePort;
  readonly data: WorkerData;
  readonly clock: Clock;
  /** Joins the stages; what they measure and log goes to the main thread. */
  readonly open: (parts: { readonly log: Log; readonly meter: Meter }) => Promise<IngestPath>;
}

/**
 * Decoding for one sender before another one's turn, and in one go before the thread looks at what
 * came meanwhile: new requests, and what the disk has taken.
 */
const turnMs = 1;
const goMs = 4;
const reportEveryMs = 250;
/** Far below what requests wait for the rest of their traces. */
const gossipEveryMs = 50;

/**
 * The thread's side of the pool: takes requests until it is told to drain. Nothing is caught that
 * was not foreseen: a thread with a broken part ends, and the pool starts another.
 */
export const serveIngest = async ({ port, data, clock, open }: ServeOptions): Promise<void> => {
  const post = (message: FromWorker): void => port.postMessage(message);
  const log = createPostedLog((line) => post({ kind: 'log', line }));
  const { meter, take } = createGatheringMeter();
  const path = await open({ log, meter });
  const serving = new Set<Promise<void>>();
  const answer = createAnswers((answers) => post({ kind: 'answers', answers }));

  const report = (): void => {
    const measured = take();
    if (measured) post({ kind: 'metrics', report: measured });
  };
  let cancelReport = () => {};
  const reportRegularly = (): void => {
    report();
    cancelReport = clock.after(reportEveryMs, reportRegularly);
  };

  const tell = (): void => {
    const told = path.gossip?.take();
    if (told) post({ kind: 'traces', told });
  };
  let cancelTell = () => {};
  const tellRegularly = (): void => {
    tell();
    cancelTell = clock.after(gossipEveryMs, tellRegularly);
  };

  const waiting = createFairQueue<Waiting>(turnMs);
  const waited = waitInstruments(meter, waiting);
  let going = false;

  const enqueue = (id: number, request: OtlpRequest): void => {
    waiting.add(request.sender ?? '', { id, request, sinceMs: clock.monotonicMs() });
    if (going) return;
    going = true;
    setImmediate(go);
  };

  const go = (): void => {
    going = decodeUntil(clock.monotonicMs() + goMs);
    if (going) setImmediate(go);
  };

  /** Returns whether something still waits. */
  const decodeUntil = (endMs: number): boolean => {
    let nowMs = clock.monotonicMs();
    do {
      const next = waiting.take();
      if (!next) return false;
      waited((nowMs - next.sinceMs) / 1000);
      track(serve(next.id, next.request));
      const sinceMs = nowMs;
      nowMs = clock.monotonicMs();
      waiting.charge(nowMs - sinceMs);
    } while (nowMs < endMs);
    return waiting.size() > 0;
  };

  const serve = async (id: number, request: OtlpRequest): Promise<void> => {
    try {
      answer({ id, acceptance: await decode(id, request) });
    } catch (error) {
      if (error instanceof Elsewhere) return handBack(id, request, error.thread);
      answer({ id, error: toPlainError(error) });
    }
    // The pool moved it here, and the journal has it.
    freeBytes(request.body);
  };

  const handBack = (id: number, request: OtlpRequest, worker: number): void => {
    const message: FromWorker = { kind: 'elsewhere', id, worker, request };
    const { buffer } = request.body;
    port.postMessage(message, buffer instanceof ArrayBuffer ? [buffer] : []);
  };

  /** Decoding is what happens before `ingest` gives back its promise. */
  const decode = (id: number, request: OtlpRequest) => {
    Atomics.store(data.decoding, 0, id);
    try {
      return path.ingest(request);
    } finally {
      Atomics.store(data.decoding, 0, 0);
    }
  };

  const track = (served: Promise<void>): void => {
    const tracked = served.finally(() => serving.delete(tracked));
    serving.add(tracked);
  };

  const drain = async (): Promise<void> => {
    decodeUntil(Number.POSITIVE_INFINITY);
    await path.drain();
    await Promise.all(serving);
    cancelReport();
    cancelTell();
    report();
    post({ kind: 'drained' });
    port.close();
  };

  port.on('messageerror', (error) => {
    throw error;
  });
  port.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'request':
        enqueue(message.id, message.request);
        return;
      case 'traces':
        path.gossip?.hear(message.told);
        return;
      case 'retell':
        if (path.gossip) post({ kind: 'traces', told: path.gossip.all() });
        return;
      case 'share':
        decodeUntil(Number.POSITIVE_INFINITY);
        tell();
        post({ kind: 'shared' });
        return;
      case 'drain':
        void drain();
    }
  });
  reportRegularly();
  if (path.gossip) tellRegularly();
  post({ kind: 'ready', sharesTraces: path.gossip !== undefined });
};

interface Waiting {
  readonly id: number;
  readonly request: OtlpRequest;
  readonly sinceMs: number;
}

/** The result takes the seconds that a request has waited. */
const waitInstruments = (
  meter: Meter,
  waiting: FairQueue<Waiting>,
): ((seconds: number) => void) => {
  meter.gauge(
    'tocsin_ingest_requests_waiting',
    { description: 'Requests that wait in a worker to be decoded', unit: '{request}' },
    waiting.size,
  );
  meter.gauge(
    'tocsin_ingest_senders_waiting',
    { description: 'Senders whose requests wait in a worker to be decoded', unit: '{sender}' },
    waiting.senders,
  );
  return meter.histogram('tocsin_ingest_wait', {
    description: 'From the arrival of a request at a worker until it is decoded',
    unit: 's',
    bounds: secondsBounds,
  });
};

/**
 * Answers of one batch are ready in one turn and go in one message: what is queued behind the first
 * of them runs before the microtask that sends them.
 */
const createAnswers = (post: (answers: readonly Answer[]) => void): ((answer: Answer) => void) => {
  let held: Answer[] = [];
  return (answer) => {
    held.push(answer);
    if (held.length > 1) return;
    queueMicrotask(() => {
      const answers = held;
      held = [];
      post(answers);
    });
  };
};
