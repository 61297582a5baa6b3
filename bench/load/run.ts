import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import type { Signal } from '../../src/model/ingest.ts';
import { identitiesOf } from './identity.ts';
import { type Fate, type LoadRecord, letterOf } from './record.ts';
import type { LoadCoding, LoadProtocol, Sender, Sent } from './send.ts';
import { createGrpcSender } from './send-grpc.ts';
import { createHttpSender } from './send-http.ts';
import { createTemplates, type Template } from './template.ts';

export interface LoadOptions {
  readonly endpoint: URL;
  readonly protocol: LoadProtocol;
  readonly coding: LoadCoding;
  readonly signal: Signal;
  /** Same seed, same ids: load one store with a seed only once. */
  readonly seed: number;
  /** Items a second; 0 is as fast as the receiver takes them. */
  readonly rate: number;
  readonly seconds: number;
  /** Items per request, about. */
  readonly batch: number;
  readonly connections: number;
  /** Calls under way on one connection; HTTP/1.1 has one. */
  readonly streams: number;
  /** A request that is not acknowledged is sent again for this long. */
  readonly insistMs: number;
  readonly answerMsMax?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the run early; what is under way is finished. */
  readonly stop?: AbortSignal;
}

export interface LoadReport {
  readonly record: LoadRecord;
  readonly requests: number;
  readonly itemsAcknowledged: number;
  readonly bytesSent: number;
  readonly seconds: number;
  readonly attempts: Readonly<Record<Sent['kind'], number>>;
  /** Reasons of attempts that failed, and how often. */
  readonly troubles: Readonly<Record<string, number>>;
  /** From sending a request to its acknowledgement, sorted, ms; first attempts only. */
  readonly latenciesMs: readonly number[];
  /** From the moment the rate wanted it sent: what a sender with a fixed rate would have seen. */
  readonly sinceDueMs: readonly number[];
  /** Of this process, per item, building and sending: what a receiver must be slower than. */
  readonly cpuMicrosPerItem: number;
}

const gzip = promisify(gzipCallback);

/** Sends numbered telemetry at a steady rate and writes down what became of each request. */
export const runLoad = async (options: LoadOptions): Promise<LoadReport> => {
  const { signal, seed, batch, rate, connections, coding, stop } = options;
  const run = runName(signal, seed);
  const ids = identitiesOf(seed);
  const { templates, stride } = createTemplates({ signal, seed, batch, run }, ids);
  const sender = openSender(options);
  const slots = connections * (options.protocol === 'grpc' ? options.streams : 1);
  const mean = templates.reduce((sum, it) => sum + it.items, 0) / templates.length;
  const requestsMax = rate > 0 ? Math.ceil((rate * options.seconds) / mean) : 2 ** 22;
  const everyMs = rate > 0 ? (1000 * mean) / rate : 0;

  const fates: Fate[] = [];
  const acknowledgedAtMs: number[] = [];
  const latenciesMs: number[] = [];
  const sinceDueMs: number[] = [];
  const troubles: Record<string, number> = {};
  const attempts = { acknowledged: 0, refused: 0, later: 0, unanswered: 0 };
  let items = 0;
  let bytesSent = 0;
  let next = 0;
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const endMs = startMs + options.seconds * 1000;

  const attempt = async (body: Uint8Array): Promise<Sent> => {
    bytesSent += body.length;
    const sent = await sender.send(body);
    attempts[sent.kind] += 1;
    if ('why' in sent) troubles[sent.why] = (troubles[sent.why] ?? 0) + 1;
    return sent;
  };

  /** The same bytes until they are taken, refused for good, or it took too long. */
  const deliver = async (body: Uint8Array): Promise<Fate> => {
    const giveUpMs = performance.now() + options.insistMs;
    let unanswered = false;
    for (let tries = 0; ; tries += 1) {
      const sent = await attempt(body);
      if (sent.kind === 'acknowledged') {
        return sent.rejected > 0 ? 'partial' : unanswered ? 'repeated' : 'acknowledged';
      }
      if (sent.kind === 'refused') return unanswered ? 'unknown' : 'refused';
      unanswered ||= sent.kind === 'unanswered';
      const asked = sent.kind === 'later' ? sent.afterMs : undefined;
      const waitMs = asked ?? Math.min(1_000, 50 * 2 ** tries);
      if (performance.now() + waitMs > giveUpMs) return unanswered ? 'unknown' : 'refused';
      await sleep(waitMs);
    }
  };

  const slot = async (): Promise<void> => {
    const buffers: Uint8Array[] = templates.map(() => new Uint8Array(0));
    while (next < requestsMax && !stop?.aborted && performance.now() < endMs) {
      const request = next;
      next += 1;
      const dueMs = startMs + request * everyMs;
      const earlyMs = rate > 0 ? dueMs - performance.now() : 0;
      if (earlyMs > 0) await sleep(earlyMs, undefined, { signal: stop }).catch(() => {});
      if (stop?.aborted) return;
      const index = request % templates.length;
      const template = templates[index];
      if (!template) throw new Error('no templates');
      const body = filled(template, (buffers[index] = sized(buffers[index], template)), request);
      const bytes = coding === 'gzip' ? await gzip(body, { level: 1 }) : body;
      const sentMs = performance.now();
      fates[request] = 'unknown';
      const fate = await deliver(bytes);
      fates[request] = fate;
      if (fate !== 'acknowledged' && fate !== 'repeated') continue;
      items += template.items;
      acknowledgedAtMs[request] = Date.now();
      latenciesMs.push(performance.now() - sentMs);
      sinceDueMs.push(performance.now() - (rate > 0 ? dueMs : sentMs));
    }
  };
  await Promise.all(Array.from({ length: slots }, slot));
  sender.close();

  const seconds = (performance.now() - startMs) / 1000;
  const used = process.cpuUsage(cpu);
  const letters = Array.from({ length: next }, (_, at) => letterOf(fates[at] ?? 'unsent'));
  return {
    record: {
      run,
      signal,
      seed,
      stride,
      itemsByTemplate: templates.map((it) => it.items),
      fates: letters.join(''),
      acknowledgedAtMs: Array.from({ length: next }, (_, at) => acknowledgedAtMs[at] ?? 0),
    },
    requests: letters.filter((it) => it !== '.').length,
    itemsAcknowledged: items,
    bytesSent,
    seconds,
    attempts,
    troubles,
    latenciesMs: latenciesMs.toSorted((a, b) => a - b),
    sinceDueMs: sinceDueMs.toSorted((a, b) => a - b),
    cpuMicrosPerItem: (used.user + used.system) / Math.max(1, items),
  };
};

/** As written into the resources of the run. */
const runName = (signal: Signal, seed: number): string => `load-${signal}-${seed}`;

const openSender = (options: LoadOptions): Sender => {
  const { protocol, answerMsMax = 30_000, headers = {} } = options;
  const create = protocol === 'grpc' ? createGrpcSender : createHttpSender;
  return create({ ...options, answerMsMax, headers });
};

const sized = (buffer: Uint8Array | undefined, { bytes }: Template): Uint8Array =>
  buffer?.length === bytes.length ? buffer : new Uint8Array(bytes.length);

const filled = (template: Template, copy: Uint8Array, request: number): Uint8Array => {
  copy.set(template.bytes);
  template.patch(copy, request, Date.now());
  return copy;
};

/** The p-th quantile (0..1) of sorted numbers. */
export const quantile = (sorted: readonly number[], p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
