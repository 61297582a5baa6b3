import type { NamedBlock } from '../../src/model/block.ts';

interface TestColumn {
  readonly name: string;
  readonly type: string;
  readonly values: readonly Uint8Array[];
}

export interface TestSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly service: string;
  readonly startMs: number;
}

/** A few columns of `otel_traces` in Native format, made by hand; the others take their defaults. */
export const spanBlock = (name: string, spans: readonly TestSpan[]): NamedBlock => {
  const columns: readonly TestColumn[] = [
    {
      name: 'Timestamp',
      type: 'DateTime64(9)',
      values: spans.map((it) => nanoseconds(it.startMs)),
    },
    { name: 'TraceId', type: 'String', values: spans.map((it) => text(it.traceId)) },
    { name: 'SpanId', type: 'String', values: spans.map((it) => text(it.spanId)) },
    { name: 'ServiceName', type: 'String', values: spans.map((it) => text(it.service)) },
  ];
  const segments = [
    Buffer.concat([varint(columns.length), varint(spans.length)]),
    ...columns.flatMap((it) => [text(it.name), text(it.type), Buffer.concat(it.values)]),
  ];
  const bytes = segments.reduce((sum, it) => sum + it.length, 0);
  return { table: 'otel_traces', name, rows: spans.length, bytes, segments };
};

const text = (value: string): Uint8Array => {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(bytes.length), bytes]);
};

const nanoseconds = (ms: number): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(ms) * 1_000_000n);
  return bytes;
};

const varint = (value: number): Uint8Array => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Uint8Array.from([...bytes, rest]);
};
