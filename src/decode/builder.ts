import { Fault } from '../lib/fault.ts';
import type { Block, TableRows } from '../model/block.ts';
import type { Acceptance, Encoding, Signal } from '../model/ingest.ts';
import type { SampleRule } from '../model/sampling.ts';
import { Arena, type ArenaLimits } from './arena.ts';
import { Attributes } from './attributes.ts';
import type { ColumnBuilderOptions, DecodingBuilder, TailRole, Tally } from './builder-options.ts';
import { EnvelopeWalker, type ItemWalker } from './envelope.ts';
import { JsonReader } from './json.ts';
import { LeftOut } from './left-out.ts';
import { LogWalker } from './logs.ts';
import { hasMachineCode } from './machine-code.ts';
import { MetricWalker } from './metrics.ts';
import { nativeBlock } from './native.ts';
import { Redaction } from './redaction.ts';
import { Rejections } from './rejections.ts';
import { Sampler, type SpanWeigher } from './sampler.ts';
import { SeriesWatch } from './series-watch.ts';
import { SpanMachine, type Walked } from './span-machine.ts';
import { SpanReader } from './span-reader.ts';
import { TailRecall, TailWatch } from './tail-watch.ts';
import { TraceWalker } from './traces.ts';
import { Values } from './values.ts';
import { Wire } from './wire.ts';

/** Positions are 32-bit integers, so no limit may reach 2 GiB. */
const limitsByDefault: ArenaLimits = {
  arenaBytesMax: 512 * 1024 * 1024,
  arenaBytesKept: 96 * 1024 * 1024,
};

/**
 * Decodes OTLP requests of one signal straight into ClickHouse Native columns, without an object
 * per span. Not shared between threads; `append` is synchronous and either takes a request whole
 * (but for items it rejects by name) or leaves no trace of it.
 */
export const createColumnBuilder = (
  signal: Signal,
  options: ColumnBuilderOptions = {},
): DecodingBuilder => new Builder(signal, options);

const nouns: Readonly<Record<Signal, string>> = {
  traces: 'spans',
  metrics: 'data points',
  logs: 'log records',
};

class Builder implements DecodingBuilder {
  readonly #arena: Arena;
  readonly #signal: ItemWalker;
  readonly #walker: EnvelopeWalker;
  readonly #rejections: Rejections;
  readonly #nowMs: (() => number) | undefined;
  readonly #redaction: Redaction | undefined;
  readonly #sampler: SpanWeigher | undefined;
  readonly #series: SeriesWatch | undefined;
  readonly #leftOut = new LeftOut();
  #redacted: number[];
  #sampledOut: number[];
  readonly #noun: string;
  readonly #json: JsonReader;
  readonly #machine: SpanMachine | undefined;
  readonly #isAlwaysMachine: boolean;
  readonly #walked: ((by: Walked) => void) | undefined;

  constructor(signal: Signal, options: ColumnBuilderOptions) {
    const { redact = [], sample = [] } = options;
    const limits = { ...limitsByDefault, ...options };
    const hasRules = redact.length + sample.length > 0;
    const isForMachine =
      signal === 'traces' && !hasRules && hasMachineCode && options.machine !== 'never';
    this.#arena = new Arena(limits, isForMachine);
    this.#nowMs = options.nowMs;
    this.#isAlwaysMachine = options.machine === 'always';
    this.#walked = signal === 'traces' ? options.walked : undefined;
    this.#redaction = redact.length > 0 ? new Redaction(redact) : undefined;
    this.#redacted = redact.map(() => 0);
    this.#sampledOut = sample.map(() => 0);
    this.#noun = nouns[signal];
    this.#json = new JsonReader(signal, limits.arenaBytesMax);
    const wire = new Wire(this.#arena);
    this.#rejections = new Rejections(this.#arena, wire, this.#redaction);
    const values = new Values(this.#arena, wire);
    const attributes = new Attributes(this.#arena, wire, values, this.#rejections, this.#redaction);
    if (signal === 'traces' && sample.length > 0) {
      const reader = new SpanReader(this.#arena, wire, attributes, sample);
      this.#sampler = weigherFor(options.tail, reader, this.#arena, sample);
    }
    if (signal === 'metrics' && options.series) {
      this.#series = new SeriesWatch(
        { arena: this.#arena, wire, attributes },
        options.series,
        this.#redaction,
      );
    }
    this.#signal = this.#signalWalker(signal, wire, attributes);
    if (isForMachine && this.#signal instanceof TraceWalker) {
      this.#machine = new SpanMachine(
        this.#arena,
        this.#signal.tables[0],
        values,
        this.#rejections,
      );
    }
    this.#walker = new EnvelopeWalker(
      { arena: this.#arena, wire, attributes, rejections: this.#rejections },
      this.#signal,
    );
  }

  #signalWalker(signal: Signal, wire: Wire, attributes: Attributes): ItemWalker {
    switch (signal) {
      case 'traces':
        return new TraceWalker(this.#arena, wire, attributes, this.#rejections, this.#sampler);
      case 'metrics':
        return new MetricWalker(
          { arena: this.#arena, wire, attributes },
          this.#rejections,
          this.#series,
          this.#leftOut,
        );
      case 'logs':
        return new LogWalker(this.#arena, wire, attributes, this.#rejections);
    }
  }

  append = (encoding: Encoding, body: Uint8Array, leftOut?: string): Acceptance | 'full' => {
    const request = encoding === 'json' ? this.#json.toProtobuf(body) : body;
    const before = this.rows();
    try {
      return this.#walk(request, leftOut);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'ERR_OTLP_MALFORMED') throw error;
      if (before > 0) return 'full';
      if (error.code !== 'ERR_DICTIONARY_FULL') throw error;
    }
    // A single request with more distinct words than 16 bits can number: 32 do, for this block.
    this.#arena.indexShift = 2;
    return this.#walk(request, leftOut);
  };

  rows = (): number => this.#signal.tables.reduce((sum, table) => sum + table.rows(), 0);

  bytes = (): number => this.#arena.held();

  finish = (): readonly Block[] => {
    const blocks = this.#filled().map((table) =>
      nativeBlock(table.name, table.columns, table.rows()),
    );
    this.#empty();
    return blocks;
  };

  discard = (): readonly TableRows[] => {
    const held = this.#filled().map((table) => ({ table: table.name, rows: table.rows() }));
    this.#empty();
    return held;
  };

  #filled() {
    return this.#signal.tables.filter((table) => table.rows() > 0);
  }

  takeTally = (): Tally => {
    const redacted = this.#redacted;
    const sampledOut = this.#sampledOut;
    this.#redacted = redacted.map(() => 0);
    this.#sampledOut = sampledOut.map(() => 0);
    return { redacted, sampledOut };
  };

  #walk(body: Uint8Array, leftOut: string | undefined): Acceptance {
    const arena = this.#arena;
    const rejections = this.#rejections;
    const before = this.rows();
    const nowMs = this.#nowMs?.();
    rejections.begin(nowMs);
    this.#series?.begin(nowMs ?? 0);
    this.#leftOut.begin(leftOut);
    this.#beginCounting();
    arena.mark();
    try {
      arena.load(body);
      const walked = this.#byMachine(body.length);
      this.#walked?.(walked);
      if (walked !== 'machine') this.#walker.request(body.length);
      if (rejections.condemnsAny) {
        arena.rollback();
        rejections.again();
        this.#beginCounting();
        this.#walker.request(body.length);
      }
    } catch (error) {
      arena.rollback();
      if (before === 0) this.#empty();
      throw error;
    }
    if (this.#redaction) addUp(this.#redacted, this.#redaction.counts);
    if (this.#sampler) addUp(this.#sampledOut, this.#sampler.counts);
    const sampledOut = this.#sampler?.leftOut ?? 0;
    const noted = rejections.total > 0 ? this.#leftOut.noted() : undefined;
    return {
      accepted: this.rows() - before + sampledOut,
      rejected: rejections.total,
      message: rejections.message(this.#noun),
      ...(sampledOut > 0 && { sampledOut }),
      ...(rejections.total > 0 && { rejections: rejections.list() }),
      ...(noted !== undefined && { leftOut: noted }),
    };
  }

  #byMachine(length: number): Walked {
    // It writes indexes of dictionaries as 16 bits.
    const machine = this.#arena.indexShift === 1 ? this.#machine : undefined;
    return machine?.walk(length, this.#isAlwaysMachine) ?? 'typescript';
  }

  #beginCounting(): void {
    this.#redaction?.begin();
    this.#sampler?.begin();
  }

  #empty(): void {
    this.#arena.clear();
    this.#arena.indexShift = 1;
  }
}

const weigherFor = (
  tail: TailRole | undefined,
  reader: SpanReader,
  arena: Arena,
  rules: readonly SampleRule[],
): SpanWeigher => {
  switch (tail?.kind) {
    case 'watch':
      return new TailWatch(arena, reader, tail.table, rules);
    case 'recall':
      return new TailRecall(arena, reader, tail.verdicts, rules);
    case undefined:
      return new Sampler(reader, rules.length);
  }
};

const addUp = (totals: number[], counts: readonly number[]): void => {
  for (const [rule, count] of counts.entries()) totals[rule] = (totals[rule] ?? 0) + count;
};
