import { Fault } from '../lib/fault.ts';
import { freeBytes } from '../lib/free-bytes.ts';
import type { Block, ColumnBuilder } from '../model/block.ts';
import type { Coding } from '../model/ingest.ts';
import { type GrowingRange, openRange, type Range, rangeWithout } from './journal/range.ts';
import type { StoredRequest } from './journal/range-reader.ts';

/** Undoes the coding of a body that was kept as received. Rejects with a Fault when it cannot. */
export type Decompress = (
  coding: Exclude<Coding, 'identity'>,
  bytes: Uint8Array,
) => Promise<Uint8Array>;

export interface RedecodeOptions {
  /** Empty before and after; nobody else may use it meanwhile. */
  readonly builder: ColumnBuilder;
  readonly read: (range: Range) => AsyncIterable<StoredRequest>;
  readonly decompress: Decompress;
  /** Called before a request is decoded, with what the builder is to know of it. */
  readonly prepare?: ((request: StoredRequest) => Promise<void>) | undefined;
  /** Takes a request that was decoded once and cannot be now, such as by another version. */
  readonly undecodable: (request: StoredRequest, error: Fault) => Promise<void>;
}

/**
 * Decodes all requests of a batch that was cut, as they were decoded then. In as few groups of
 * blocks as fit; more than one only if limits changed since.
 */
export const redecodeBatch = async (
  options: RedecodeOptions,
  range: Range,
): Promise<readonly (readonly Block[])[]> => {
  const { builder } = options;
  const groups: (readonly Block[])[] = [];
  try {
    for await (const request of options.read(range)) {
      if (!(await append(options, request))) {
        groups.push(builder.finish());
        await append(options, request);
      }
    }
  } catch (error) {
    builder.finish();
    throw error;
  }
  groups.push(builder.finish());
  return groups.filter((it) => it.length > 0);
};

/** The next batch of a run of requests that never were in one. */
export interface NextBatch {
  readonly range: Range;
  readonly blocks: readonly Block[];
  /** What is left of the run. */
  readonly rest: Range | undefined;
}

/** Decodes requests from the beginning of a run until `full` says that they are enough. */
export const decodeNext = async (
  options: RedecodeOptions,
  run: Range,
  full: () => boolean,
): Promise<NextBatch> => {
  const { builder } = options;
  const range: GrowingRange = openRange(run.signal);
  const take = ({ record, place }: StoredRequest) => {
    range.claim(record.seq);
    range.written(place);
  };
  try {
    for await (const request of options.read(run)) {
      const fits = !full() && (await append(options, request));
      if (!fits && range.requests > 0) {
        const rest = rangeWithout(run, range, request.record.seq, request.place);
        return { range, blocks: builder.finish(), rest };
      }
      take(request);
    }
  } catch (error) {
    builder.finish();
    throw error;
  }
  // All the numbers of the run, so that those that were lost are settled with it.
  return { range: run, blocks: builder.finish(), rest: undefined };
};

/** False when it does not fit beside what is there. */
const append = async (options: RedecodeOptions, request: StoredRequest): Promise<boolean> => {
  const { coding, encoding, acceptance } = request.record;
  try {
    const body =
      coding === 'identity' ? request.body : await options.decompress(coding, request.body);
    if (options.prepare) await options.prepare(request);
    const fits = options.builder.append(encoding, body, acceptance.leftOut) !== 'full';
    // Decompressed for this alone.
    if (body !== request.body) freeBytes(body);
    return fits;
  } catch (error) {
    if (!(error instanceof Fault) || error.remedy !== 'reject') throw error;
    await options.undecodable(request, error);
    return true;
  }
};
