import type { Random } from '../../src/lib/backoff.ts';
import type { Signal } from '../../src/model/ingest.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../../test/support/otlp-proto.ts';
import {
  type Message,
  type SampleSize,
  sampleLogs,
  sampleMetrics,
  sampleTraces,
} from '../../test/support/otlp-samples.ts';
import { seededRandom } from '../../test/support/random.ts';
import type { Identities } from './identity.ts';

/**
 * A request encoded once. Ids and times stand at known places and are overwritten for each request,
 * which costs a tenth of what the receiver spends on it.
 */
export interface Template {
  readonly bytes: Uint8Array;
  readonly items: number;
  /** Writes the identities and times of request number `request` into a copy of `bytes`. */
  readonly patch: (copy: Uint8Array, request: number, nowMs: number) => void;
}

export interface TemplateSet {
  readonly templates: readonly Template[];
  /** Item numbers of one request begin at its number times this. */
  readonly stride: number;
}

export interface TemplateOptions {
  readonly signal: Signal;
  readonly seed: number;
  /** Items per request, met as nearly as the shape allows. */
  readonly batch: number;
  /** Written into each resource as `load.run`, to tell the rows of this run from all others. */
  readonly run: string;
}

const templatesCount = 8;

export const createTemplates = (options: TemplateOptions, ids: Identities): TemplateSet => {
  const random = seededRandom(options.seed);
  const bodies = Array.from({ length: templatesCount }, () => encode(options, random));
  const stride = 2 ** Math.ceil(Math.log2(Math.max(...bodies.map((it) => it.starts.length))));
  return { stride, templates: bodies.map((it) => templateOf(options.signal, it, stride, ids)) };
};

interface Encoded {
  readonly bytes: Uint8Array;
  /** Where each id and time stands, in order of the items; empty where a signal has none. */
  readonly spanIds: readonly number[];
  readonly parents: readonly number[];
  readonly traceIds: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly lastsNs: readonly number[];
}

const encode = ({ signal, batch, run }: TemplateOptions, random: Random): Encoded => {
  const marks = marksFrom(random);
  const lastsNs: number[] = [];
  const marked = (it: Message): Message => markItem(it, marks, lastsNs);
  const { type, sample, size } = shapes[signal];
  const message = tagged(sample(random, size(batch)), run);
  const bytes = Buffer.from(type.encode(type.fromObject(mapItems(message, marked))).finish());
  return {
    bytes,
    spanIds: placesOf(bytes, marks.span),
    parents: placesOf(bytes, marks.parent),
    traceIds: placesOf(bytes, marks.trace),
    starts: placesOf(bytes, marks.start),
    ends: placesOf(bytes, marks.end),
    lastsNs,
  };
};

const half = (batch: number): SampleSize =>
  batch < 4
    ? { resources: 1, scopes: 1, items: batch }
    : { resources: 1, scopes: 2, items: Math.ceil(batch / 2) };

const shapes = {
  traces: { type: tracesRequest, sample: sampleTraces, size: half },
  logs: { type: logsRequest, sample: sampleLogs, size: half },
  metrics: {
    type: metricsRequest,
    sample: sampleMetrics,
    // Each sample metric has four points.
    size: (batch: number) => ({
      resources: 1,
      scopes: 1,
      items: Math.max(1, Math.ceil(batch / 4)),
    }),
  },
} as const;

interface Marks {
  readonly span: Uint8Array;
  readonly parent: Uint8Array;
  readonly trace: Uint8Array;
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/** Random bytes that stand for what is patched later: found again by searching. */
const marksFrom = (random: Random): Marks => {
  const mark = (length: number) =>
    Uint8Array.from({ length }, () => 1 + Math.floor(random() * 250));
  return { span: mark(8), parent: mark(8), trace: mark(16), start: mark(8), end: mark(8) };
};

const markItem = (item: Message, marks: Marks, lastsNs: number[]): Message => {
  const time = (mark: Uint8Array) => Buffer.from(mark).readBigUInt64LE().toString();
  if ('endTimeUnixNano' in item) {
    lastsNs.push(Number(whole(item['endTimeUnixNano']) - whole(item['startTimeUnixNano'])));
    return {
      ...item,
      traceId: marks.trace,
      spanId: marks.span,
      parentSpanId: marks.parent,
      startTimeUnixNano: time(marks.start),
      endTimeUnixNano: time(marks.end),
    };
  }
  if ('severityNumber' in item) {
    return {
      ...item,
      traceId: marks.trace,
      spanId: marks.span,
      timeUnixNano: time(marks.start),
      observedTimeUnixNano: time(marks.end),
    };
  }
  return { ...item, startTimeUnixNano: time(marks.start), timeUnixNano: time(marks.end) };
};

/** 64-bit numbers are strings in the samples. */
const whole = (value: unknown): bigint => BigInt(typeof value === 'string' ? value : 0);

const itemLists = new Set(['spans', 'logRecords', 'dataPoints']);

const mapItems = (value: Message, change: (item: Message) => Message): Message => {
  const mapped = Object.entries(value).map(([key, inner]) => {
    if (Array.isArray(inner)) {
      const list = inner as readonly Message[];
      return [key, itemLists.has(key) ? list.map(change) : list.map((it) => deeper(it, change))];
    }
    return [key, deeper(inner as Message, change)];
  });
  return Object.fromEntries(mapped) as Message;
};

const deeper = (value: Message, change: (item: Message) => Message): Message =>
  typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)
    ? mapItems(value, change)
    : value;

const tagged = (message: Message, run: string): Message => {
  const [[key, list] = ['', []]] = Object.entries(message);
  const tag = { key: 'load.run', value: { stringValue: run } };
  const resources = (list as readonly Message[]).map((it) => {
    const { attributes } = it['resource'] as { attributes: readonly Message[] };
    return { ...it, resource: { attributes: [...attributes, tag] } };
  });
  return { [key]: resources };
};

const placesOf = (bytes: Buffer, mark: Uint8Array): readonly number[] => {
  const places: number[] = [];
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length)) {
    places.push(at);
  }
  return places;
};

/** Spans of one trace follow each other, and the first is the root of the others. */
const spansPerTrace = 12;

const templateOf = (
  signal: Signal,
  encoded: Encoded,
  stride: number,
  ids: Identities,
): Template => {
  const { bytes, spanIds, parents, traceIds, starts, ends, lastsNs } = encoded;
  const items = starts.length;
  const patch = (copy: Uint8Array, request: number, nowMs: number): void => {
    const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
    const first = request * stride;
    const nowNs = BigInt(Math.floor(nowMs)) * 1_000_000n;
    const high = Number(nowNs >> 32n);
    const low = Number(nowNs & 0xffff_ffffn);
    for (let index = 0; index < items; index += 1) {
      const item = first + index;
      writeNs(view, ends[index] ?? 0, high, low);
      if (signal === 'metrics') {
        view.setBigUint64(starts[index] ?? 0, startNs(ids.startSeconds, item), true);
        continue;
      }
      const lasts = lastsNs[index] ?? 0;
      writeNs(view, starts[index] ?? 0, high, low - lasts);
      writeSpanId(view, spanIds[index] ?? 0, item, ids);
      const trace = Math.floor(item / spansPerTrace);
      for (let word = 0; word < 4; word += 1) {
        view.setUint32((traceIds[index] ?? 0) + word * 4, ids.traceWord(trace, word));
      }
      const parent = parents[index];
      if (parent !== undefined) writeSpanId(view, parent, trace * spansPerTrace, ids);
    }
  };
  return { bytes, items, patch };
};

const startNs = (seconds: number, item: number): bigint =>
  BigInt(seconds) * 1_000_000_000n + BigInt(item);

const writeSpanId = (view: DataView, at: number, item: number, ids: Identities): void => {
  view.setUint32(at, ids.spanHigh(item));
  view.setUint32(at + 4, ids.spanLow(item));
};

/** `low` may have gone below zero, by less than 2^32. */
const writeNs = (view: DataView, at: number, high: number, low: number): void => {
  view.setUint32(at, low >>> 0, true);
  view.setUint32(at + 4, low < 0 ? high - 1 : high, true);
};
