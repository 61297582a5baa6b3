import { gzipSync } from 'node:zlib';
import { createColumnBuilder } from '../../src/decode/builder.ts';
import { decompress } from '../../src/decode/decompress.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { freeBytes } from '../../src/lib/free-bytes.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { Signal } from '../../src/model/ingest.ts';
import { createOtlpGrpcServer } from '../../src/receive/grpc-server.ts';
import { createOtlpHttpServer } from '../../src/receive/http-server.ts';
import { defaultReceiveLimits } from '../../src/receive/limits.ts';
import { payloadOf } from './payload.ts';

/*
 * A process of its own for each stage, so that none runs in code that the compiler has fitted to
 * another. argv: stage, signal, requests, rounds. Speaks with bench/ingest.ts over IPC.
 */

const stages = ['naive', 'decode', 'gunzip + decode', 'http gzip', 'grpc'] as const;
export type Stage = (typeof stages)[number];

/** What a stage that works by itself tells, once. */
export interface StageResult {
  /** CPU µs per item, one for each round. */
  readonly samples: readonly number[];
  /** Bytes of the heap taken per item; NaN when a collection fell into it. */
  readonly heapBytesPerItem: number;
}

/** What a server stage tells whenever it is asked. */
export interface ServerMark {
  readonly cpuMicros: number;
  readonly items: number;
  readonly port: number;
}

const measure = (work: () => number, rounds: number): StageResult => {
  const warmUntilMs = performance.now() + (rounds > 3 ? 1_500 : 100);
  do work();
  while (performance.now() < warmUntilMs);
  const samples = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    const items = work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / items;
  });
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const items = work();
  const taken = process.memoryUsage().heapUsed - before;
  return { samples, heapBytesPerItem: taken >= 0 ? taken / items : Number.NaN };
};

const decoder = (signal: Signal): ((body: Uint8Array) => number) => {
  const builder = createColumnBuilder(signal);
  const rowsMax = 65_536;
  return (body) => {
    let taken = builder.rows() < rowsMax ? builder.append('protobuf', body) : 'full';
    if (taken === 'full') {
      builder.finish();
      taken = builder.append('protobuf', body);
    }
    if (taken === 'full') throw new Error('a request does not fit an empty block');
    return taken.accepted;
  };
};

const sum = <T>(list: readonly T[], of: (it: T) => number): number =>
  list.reduce((total, it) => total + of(it), 0);

const workOf = (stage: Stage, signal: Signal, requests: number): (() => number) => {
  const { bodies, type, naive } = payloadOf(signal, requests);
  const decode = decoder(signal);
  if (stage === 'decode') return () => sum(bodies, decode);
  if (stage === 'gunzip + decode') {
    const packed = bodies.map((it) => gzipSync(it));
    return () => sum(packed, (it) => decode(decompress('gzip', it, 2 ** 26)));
  }
  const few = bodies.slice(0, Math.max(1, Math.floor(requests / 6)));
  const items = sum(few, decode);
  return () => {
    const characters = sum(few, (it) => naive(type.decode(it)).length);
    if (characters === 0) throw new Error('the naive path made nothing');
    return items;
  };
};

const serve = async (stage: Stage, signal: Signal): Promise<void> => {
  const decode = decoder(signal);
  let items = 0;
  const create = stage === 'grpc' ? createOtlpGrpcServer : createOtlpHttpServer;
  const server = create({
    listen: { host: '127.0.0.1', port: 0 },
    limits: defaultReceiveLimits,
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
    ingest: async ({ coding, body }) => {
      const plain = decompress(coding ?? 'identity', body, 2 ** 26);
      const accepted = decode(plain);
      items += accepted;
      // As the thread does that a door gives its requests to.
      freeBytes(plain);
      freeBytes(body);
      return { accepted, rejected: 0, message: '' };
    },
  });
  const { port } = await server.start();
  const tell = () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMicros: user + system, items, port } satisfies ServerMark);
  };
  process.on('message', tell);
  process.once('disconnect', () => process.exit(0));
  tell();
};

if (process.send) {
  const [stage, signal, requests, rounds] = process.argv.slice(2) as [
    Stage,
    Signal,
    string,
    string,
  ];
  if (stage === 'http gzip' || stage === 'grpc') await serve(stage, signal);
  else {
    process.send(measure(workOf(stage, signal, Number(requests)), Number(rounds)));
    process.disconnect();
  }
}
