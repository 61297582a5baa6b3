import type { Test } from 'tap';
import type { Block } from '../../src/model/block.ts';
import type { Acceptance, Signal } from '../../src/model/ingest.ts';
import { createColumnBuilder } from './both-walkers.ts';
import { encodeJson } from './otlp-json.ts';
import { logsRequest, metricsRequest, tracesRequest } from './otlp-proto.ts';
import type { Message } from './otlp-samples.ts';

const types = { traces: tracesRequest, metrics: metricsRequest, logs: logsRequest };

export const encodeProtobuf = (signal: Signal, message: Message): Uint8Array =>
  types[signal].encode(types[signal].fromObject(message)).finish();

export interface Decoded {
  readonly acceptance: Acceptance | 'full';
  readonly blocks: readonly Block[];
}

export const blocksOf = (
  signal: Signal,
  encoding: 'protobuf' | 'json',
  body: Uint8Array,
): Decoded => {
  const builder = createColumnBuilder(signal);
  const acceptance = builder.append(encoding, body);
  return { acceptance, blocks: builder.finish() };
};

/** Holds a message's blocks from JSON against those from protobuf, byte by byte; returns the latter. */
export const sameBytes = (
  t: Test,
  signal: Signal,
  message: Message,
  { json = encodeJson(message), name = signal }: { json?: Uint8Array; name?: string } = {},
): Decoded => {
  const wanted = blocksOf(signal, 'protobuf', encodeProtobuf(signal, message));
  const got = blocksOf(signal, 'json', json);
  t.strictSame(got.acceptance, wanted.acceptance, `${name} is accepted alike`);
  t.strictSame(
    got.blocks.map((it) => it.table),
    wanted.blocks.map((it) => it.table),
    `${name} goes to the same tables`,
  );
  for (const [index, block] of wanted.blocks.entries()) {
    const bytes = Buffer.concat(block.segments);
    const isSame = bytes.equals(Buffer.concat(got.blocks[index]?.segments ?? []));
    t.ok(isSame, `${name} is the same in ${block.table}`);
  }
  return wanted;
};
