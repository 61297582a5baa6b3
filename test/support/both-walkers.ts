import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createColumnBuilder as createReal } from '../../src/decode/builder.ts';
import type { ColumnBuilderOptions, DecodingBuilder } from '../../src/decode/builder-options.ts';
import type { Block } from '../../src/model/block.ts';
import type { Acceptance, Encoding, Signal } from '../../src/model/ingest.ts';

type Outcome = Acceptance | 'full' | { readonly code: unknown; readonly message: string };

/**
 * The builder of the daemon, beside which one that walks by TypeScript alone does the same. Throws when
 * they differ in an answer, an error or a byte of a block.
 */
export const createColumnBuilder = (
  signal: Signal,
  options: ColumnBuilderOptions = {},
): DecodingBuilder => {
  const builder = createReal(signal, { machine: 'always', ...options });
  const hasRules = [...(options.redact ?? []), ...(options.sample ?? [])].length > 0;
  // Rules note what they see in tables that both would share, and no machine works beside them.
  if (signal !== 'traces' || hasRules) return builder;
  const oracle = createReal(signal, { ...options, machine: 'never', walked: undefined });
  // By its way of growing the machine may fit in what TypeScript overruns, or find a block full before;
  // until both are emptied they hold different rows.
  let isAlike = true;
  const agree = (what: string, got: unknown, wanted: unknown): void => {
    if (isDeepStrictEqual(got, wanted)) return;
    throw new Error(`the walkers differ in ${what}: ${show(got)}, TypeScript ${show(wanted)}`);
  };
  return {
    ...builder,
    append: (encoding, body) => {
      let thrown: unknown;
      const got = outcome(builder, encoding, body, (error) => (thrown = error));
      const wanted = outcome(oracle, encoding, body, () => {});
      const isForRoom =
        options.arenaBytesMax !== undefined && (got === 'full' || isTooLarge(wanted));
      if (isForRoom && !isDeepStrictEqual(got, wanted)) isAlike = false;
      else agree('answers', got, wanted);
      if (got !== 'full' && 'code' in got) throw thrown;
      if (isAlike) agree('rows', builder.rows(), oracle.rows());
      return got;
    },
    finish: () => {
      const blocks = builder.finish();
      const wanted = oracle.finish();
      if (isAlike) agree('blocks', blocks.map(content), wanted.map(content));
      isAlike = true;
      return blocks;
    },
    discard: () => {
      const held = builder.discard();
      const wanted = oracle.discard();
      if (isAlike) agree('rows by table', held, wanted);
      isAlike = true;
      return held;
    },
  };
};

const outcome = (
  builder: DecodingBuilder,
  encoding: Encoding,
  body: Uint8Array,
  onError: (error: unknown) => void,
): Outcome => {
  try {
    return builder.append(encoding, body);
  } catch (error) {
    onError(error);
    const { code, message } = error as { code?: unknown; message: string };
    return { code, message };
  }
};

const content = ({ segments, ...rest }: Block): object => ({
  ...rest,
  sha256: createHash('sha256').update(Buffer.concat(segments)).digest('hex'),
});

const isTooLarge = (outcome: Outcome): boolean =>
  outcome === 'full' || ('code' in outcome && outcome.code === 'ERR_OTLP_TOO_LARGE');

const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 500) ?? 'nothing';
