import { isMarkedAsUntransferable, Worker } from 'node:worker_threads';
import { Fault } from '../lib/fault.ts';
import { fromPlainError } from '../lib/plain-error.ts';
import type { LogLine } from '../lib/thread-log.ts';
import type { MeterReport } from '../lib/thread-meter.ts';
import type { Acceptance, OtlpRequest } from '../model/ingest.ts';
import type { Answer, FromWorker, ToWorker, WorkerSetup } from './messages.ts';

export interface ThreadOptions {
  readonly entry: URL;
  readonly setup: WorkerSetup;
  readonly heapMebibytesMax: number;
  /** Asked of the senders whose requests are lost with the thread. */
  readonly lostRetryMs: number;
  readonly onReady: () => void;
  readonly onLine: (line: LogLine) => void;
  readonly onReport: (report: MeterReport) => void;
  /** What the thread learned of traces that others have spans of. */
  readonly onTraces: (told: Uint8Array) => void;
  /** Once, when the thread is gone and all its requests are settled. */
  readonly onEnd: (end: ThreadEnd) => void;
}

export interface ThreadEnd {
  readonly reason: 'drained' | 'memory' | 'stuck' | 'error' | 'exit';
  readonly error?: unknown;
  /** Requests that were under way; their senders were told to try again. */
  readonly lost: number;
  /** The request that is to blame, if one is: the hash under which it was sent. */
  readonly culprit: { readonly hash: string | undefined } | undefined;
}

/** Another worker may have taken this request already, and is to be asked. */
export class HandedBack extends Error {
  override readonly name = 'HandedBack';
  readonly request: OtlpRequest;
  readonly worker: number;

  constructor(request: OtlpRequest, worker: number) {
    super(`worker ${worker} may have this request already`);
    this.request = request;
    this.worker = worker;
  }
}

/** One worker thread as the main thread sees it, from its start to its end. */
export interface IngestThread {
  /**
   * Takes the buffers of the request away. Rejects with the worker's failure, ERR_INGEST_LOST, or
   * `HandedBack` with the request.
   */
  readonly send: (request: OtlpRequest, hash: string | undefined) => Promise<Acceptance>;
  /** Of requests that are not answered. */
  readonly bytes: () => number;
  readonly requests: () => number;
  /** The request that is being decoded, 0 for none. */
  readonly decodingId: () => number;
  /** The share of time since the last call in which the thread was busy. */
  readonly utilization: () => number;
  /** Tells it what another thread learned of traces. */
  readonly tell: (told: Uint8Array) => void;
  /** Lets `onTraces` have all that it ever learned, if it still knows. */
  readonly retell: () => void;
  /** Resolves when `onTraces` has had all that it learned until now, or the thread is gone. */
  readonly share: () => Promise<void>;
  /** Lets it finish what it has and end by itself. Nothing may be sent any more. */
  readonly drain: () => void;
  readonly kill: (reason: 'stuck' | 'exit') => void;
}

interface Outstanding {
  readonly bytes: number;
  readonly hash: string | undefined;
  readonly outcome: PromiseWithResolvers<Acceptance>;
}

const idMax = 2 ** 31 - 1;
/**
 * The hot path makes hardly an object; columns and bodies are no part of the JavaScript heap, but are
 * freed with it: a small young generation is collected often and cheaply. V8 counts three halves.
 */
const youngMebibytes = 6;

export const startIngestThread = (options: ThreadOptions): IngestThread => {
  const decoding = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(options.entry, {
    name: `ingest-${options.setup.workerIndex}`,
    workerData: { setup: options.setup, decoding },
    resourceLimits: {
      maxOldGenerationSizeMb: options.heapMebibytesMax,
      maxYoungGenerationSizeMb: youngMebibytes,
    },
  });
  const outstanding = new Map<number, Outstanding>();
  let lastId = 0;
  let bytes = 0;
  let drained = false;
  let killed: 'stuck' | 'exit' | undefined;
  let failure: unknown;
  let sharesTraces = false;
  let shared = Promise.withResolvers<void>();
  let lastUtilization = worker.performance.eventLoopUtilization();

  const take = (id: number): Outstanding['outcome'] | undefined => {
    const request = outstanding.get(id);
    if (!request) return undefined;
    outstanding.delete(id);
    bytes -= request.bytes;
    return request.outcome;
  };

  const settle = (answer: Answer): void => {
    if ('error' in answer) take(answer.id)?.reject(fromPlainError(answer.error));
    else take(answer.id)?.resolve(answer.acceptance);
  };

  const kill = (reason: 'stuck' | 'exit'): void => {
    killed ??= reason;
    void worker.terminate();
  };

  const end = (): void => {
    const id = Atomics.load(decoding, 0);
    const lost = [...outstanding.values()];
    // A request that was alone with the thread is as suspicious as one that was being decoded.
    const culprit = outstanding.get(id) ?? (lost.length === 1 ? lost[0] : undefined);
    outstanding.clear();
    bytes = 0;
    sharesTraces = false;
    shared.resolve();
    for (const { outcome } of lost) outcome.reject(lostFault(options.lostRetryMs, failure));
    options.onEnd({
      reason: reasonOf(drained, killed, failure),
      ...(failure !== undefined && { error: failure }),
      lost: lost.length,
      culprit: culprit && { hash: culprit.hash },
    });
  };

  worker.on('message', (message: FromWorker) => {
    switch (message.kind) {
      case 'ready':
        sharesTraces = message.sharesTraces;
        return options.onReady();
      case 'answers':
        return message.answers.forEach(settle);
      case 'elsewhere':
        return take(message.id)?.reject(new HandedBack(message.request, message.worker));
      case 'log':
        return options.onLine(message.line);
      case 'metrics':
        return options.onReport(message.report);
      case 'traces':
        return options.onTraces(message.told);
      case 'shared':
        return shared.resolve();
      case 'drained':
        drained = true;
    }
  });
  // What cannot be read is an answer that would never come.
  worker.on('messageerror', (error) => {
    failure ??= error;
    kill('exit');
  });
  worker.on('error', (error) => {
    failure ??= error;
  });
  worker.on('exit', end);

  return {
    send: (request, hash) => {
      const id = (lastId = lastId === idMax ? 1 : lastId + 1);
      const size = request.body.length;
      const outcome = Promise.withResolvers<Acceptance>();
      const message: ToWorker = { kind: 'request', id, request: owned(request) };
      const { buffer } = message.request.body;
      worker.postMessage(message, buffer instanceof ArrayBuffer ? [buffer] : []);
      outstanding.set(id, { bytes: size, hash, outcome });
      bytes += size;
      return outcome.promise;
    },
    bytes: () => bytes,
    requests: () => outstanding.size,
    decodingId: () => Atomics.load(decoding, 0),
    utilization: () => {
      const now = worker.performance.eventLoopUtilization();
      const since = worker.performance.eventLoopUtilization(now, lastUtilization);
      lastUtilization = now;
      return since.utilization;
    },
    tell: (told) => {
      const message: ToWorker = { kind: 'traces', told };
      worker.postMessage(message);
    },
    retell: () => {
      const message: ToWorker = { kind: 'retell' };
      if (sharesTraces) worker.postMessage(message);
    },
    share: async () => {
      if (!sharesTraces) return;
      shared = Promise.withResolvers();
      const message: ToWorker = { kind: 'share' };
      worker.postMessage(message);
      await shared.promise;
    },
    drain: () => {
      const message: ToWorker = { kind: 'drain' };
      worker.postMessage(message);
    },
    kill,
  };
};

const reasonOf = (
  drained: boolean,
  killed: 'stuck' | 'exit' | undefined,
  failure: unknown,
): ThreadEnd['reason'] => {
  if (failure instanceof Error) {
    const memory = 'code' in failure && failure.code === 'ERR_WORKER_OUT_OF_MEMORY';
    return memory ? 'memory' : 'error';
  }
  if (killed) return killed;
  return drained ? 'drained' : 'exit';
};

const lostFault = (retryAfterMs: number, cause: unknown): Fault =>
  new Fault(
    'ERR_INGEST_LOST',
    'the thread that worked on the request ended before it was stored; send it again',
    { remedy: 'retry', retryAfterMs, cause },
  );

/** Of a request as it would be sent: small ones may lie in a pool that cannot be given away. */
const owned = (request: OtlpRequest): OtlpRequest => ({
  ...request,
  body: movable(request.body),
});

const movable = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(bytes.buffer)
    ? bytes
    : new Uint8Array(bytes);
