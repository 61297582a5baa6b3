import { Fault } from '../lib/fault.ts';
import type { Block, ColumnBuilder } from '../model/block.ts';
import type { Acceptance, Encoding, Signal } from '../model/ingest.ts';
import { Arena, type ArenaLimits } from './arena.ts';
import { Attributes } from './attributes.ts';
import { EnvelopeWalker, type ItemWalker } from './envelope.ts';
import { JsonReader } from './json.ts';
import { LogWalker } from './logs.ts';
import { MetricWalker } from './metrics.ts';
import { nativeBlock } from './native.ts';
import { Rejections } from './rejections.ts';
import { TraceWalker } from './traces.ts';
import { Values } from './values.ts';
import { Wire } from './wire.ts';

export interface ColumnBuilderOptions extends Partial<ArenaLimits> {
  /** Wall clock, to warn of times ahead of it. It decides nothing: the same bytes give the same rows. */
  readonly nowMs?: () => number;
}

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
): ColumnBuilder => new Builder(signal, { ...limitsByDefault, ...options }, options.nowMs);

const nouns: Readonly<Record<Signal, string>> = {
  traces: 'spans',
  metrics: 'data points',
  logs: 'log records',
};

class Builder implements ColumnBuilder {
  readonly #arena: Arena;
  readonly #signal: ItemWalker;
  readonly #walker: EnvelopeWalker;
  readonly #rejections: Rejections;
  readonly #nowMs: (() => number) | undefined;
  readonly #noun: string;
  readonly #json: JsonReader;

  constructor(signal: Signal, limits: ArenaLimits, nowMs: (() => number) | undefined) {
    this.#arena = new Arena(limits);
    this.#nowMs = nowMs;
    this.#noun = nouns[signal];
    this.#json = new JsonReader(signal, limits.arenaBytesMax);
    const wire = new Wire(this.#arena);
    this.#rejections = new Rejections(this.#arena, wire);
    const values = new Values(this.#arena, wire);
    const attributes = new Attributes(this.#arena, wire, values, this.#rejections);
    this.#signal = this.#signalWalker(signal, wire, values, attributes);
    this.#walker = new EnvelopeWalker(
      { arena: this.#arena, wire, attributes, rejections: this.#rejections },
      this.#signal,
    );
  }

  #signalWalker(signal: Signal, wire: Wire, values: Values, attributes: Attributes): ItemWalker {
    switch (signal) {
      case 'traces':
        return new TraceWalker(this.#arena, wire, attributes, this.#rejections);
      case 'metrics':
        return new MetricWalker(this.#arena, wire, attributes, this.#rejections);
      case 'logs':
        return new LogWalker(this.#arena, wire, values, attributes, this.#rejections);
    }
  }

  append = (encoding: Encoding, body: Uint8Array): Acceptance | 'full' => {
    const request = encoding === 'json' ? this.#json.toProtobuf(body) : body;
    const before = this.rows();
    try {
      return this.#walk(request);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'ERR_OTLP_MALFORMED') throw error;
      if (before > 0) return 'full';
      if (error.code !== 'ERR_DICTIONARY_FULL') throw error;
    }
    // A single request with more distinct words than 16 bits can number: 32 do, for this block.
    this.#arena.indexShift = 2;
    return this.#walk(request);
  };

  rows = (): number => this.#signal.tables.reduce((sum, table) => sum + table.rows(), 0);

  bytes = (): number => this.#arena.held();

  finish = (): readonly Block[] => {
    const blocks = this.#signal.tables
      .filter((table) => table.rows() > 0)
      .map((table) => nativeBlock(table.name, table.columns, table.rows()));
    this.#empty();
    return blocks;
  };

  #walk(body: Uint8Array): Acceptance {
    const arena = this.#arena;
    const rejections = this.#rejections;
    const before = this.rows();
    rejections.begin(this.#nowMs?.());
    arena.mark();
    try {
      arena.load(body);
      this.#walker.request(body.length);
      if (rejections.condemnsAny) {
        arena.rollback();
        rejections.again();
        this.#walker.request(body.length);
      }
    } catch (error) {
      arena.rollback();
      if (before === 0) this.#empty();
      throw error;
    }
    return {
      accepted: this.rows() - before,
      rejected: rejections.total,
      message: rejections.message(this.#noun),
      ...(rejections.total > 0 && { rejections: rejections.list() }),
    };
  }

  #empty(): void {
    this.#arena.clear();
    this.#arena.indexShift = 1;
  }
}
