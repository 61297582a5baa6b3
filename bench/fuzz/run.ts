import { request as httpRequest } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { decompress } from '../../src/decode/decompress.ts';
import type { Random } from '../../src/lib/backoff.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { type Log, silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { ColumnBuilder } from '../../src/model/block.ts';
import type { Acceptance, Ingest, OtlpRequest, Signal } from '../../src/model/ingest.ts';
import { createOtlpGrpcServer } from '../../src/receive/grpc-server.ts';
import { createOtlpHttpServer } from '../../src/receive/http-server.ts';
import { defaultReceiveLimits } from '../../src/receive/limits.ts';
import { createColumnBuilder } from '../../test/support/both-walkers.ts';
import { seededRandom } from '../../test/support/random.ts';
import { joined, mutated } from './mutate.ts';
import { type SeedPayload, seedPayloads } from './seeds.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly requests: number;
  /** This part of them goes over sockets; the rest straight to the decoder. */
  readonly socketShare: number;
}

export interface FuzzReport {
  readonly requests: number;
  readonly seconds: number;
  /** How often each ending was met: `taken`, a Fault's code, an HTTP status, a gRPC status. */
  readonly endings: Readonly<Record<string, number>>;
  readonly accepted: number;
  readonly rejected: number;
  /** Of requests whose number of items is known; accepted + rejected must be the same. */
  readonly counted: number;
  readonly slowestMs: number;
  /** Resident memory after a tenth of the requests and at the end, MiB. */
  readonly residentMiB: readonly [number, number];
  /** What must not happen. Seed and number bring a request back, but for the ids that the SDK made up. */
  readonly problems: readonly string[];
}

const hangMs = 1_000;
const problemsMax = 20;

/** Mutated requests against the doors and the decoder in this process. */
export const runFuzz = async (options: FuzzOptions): Promise<FuzzReport> => {
  const seeds = await seedPayloads(options.seed);
  const endings: Record<string, number> = {};
  const problems: string[] = [];
  const totals = { accepted: 0, rejected: 0, counted: 0, slowestMs: 0 };
  const take = decoders();
  const unforeseen: unknown[] = [];
  const doors = await openDoors(async (it) => take(plain(it)), unforeseen);
  const startMs = performance.now();
  let early = residentMiB();
  const problem = (number: number, text: string): void => {
    if (problems.length < problemsMax) problems.push(`request ${number}: ${text}`);
  };

  for (let number = 0; number < options.requests; number += 1) {
    if (number === Math.floor(options.requests / 10)) early = residentMiB();
    // Each request has a random of its own, so that one can be repeated without those before.
    const random = seededRandom(Math.imul(options.seed, 0x9e3779b1) ^ number);
    const { request, items } = requestFrom(seeds, random);
    const sinceMs = performance.now();
    let ending: string;
    if (random() < options.socketShare) {
      ending = await doors.send(request, random);
      if (/^(?:HTTP 500|gRPC 2$|no answer)/.test(ending)) problem(number, ending);
      for (const error of unforeseen.splice(0)) problem(number, String(error));
    } else {
      try {
        const { accepted, rejected } = take(request);
        ending = 'taken';
        totals.accepted += accepted;
        totals.rejected += rejected;
        if (items !== undefined) {
          totals.counted += items;
          if (accepted + rejected !== items) {
            problem(number, `${accepted} accepted + ${rejected} rejected of ${items}`);
          }
        }
      } catch (error) {
        ending = error instanceof Fault ? error.code : 'crash';
        if (ending === 'crash') problem(number, String((error as Error).stack));
        else if (items !== undefined) problem(number, `${ending} for a well-formed request`);
      }
    }
    const tookMs = performance.now() - sinceMs;
    totals.slowestMs = Math.max(totals.slowestMs, tookMs);
    if (tookMs > hangMs) problem(number, `took ${tookMs.toFixed(0)} ms`);
    endings[ending] = (endings[ending] ?? 0) + 1;
  }
  await doors.close();
  for (const it of take.check()) problem(options.requests, it);
  return {
    requests: options.requests,
    seconds: (performance.now() - startMs) / 1000,
    endings,
    ...totals,
    residentMiB: [early, residentMiB()],
    problems,
  };
};

const bodyBytesMax = 4 * 2 ** 20;

const plain = ({ coding = 'identity', ...rest }: OtlpRequest): OtlpRequest => ({
  ...rest,
  body: decompress(coding, rest.body, bodyBytesMax),
});

const residentMiB = (): number => {
  globalThis.gc?.();
  return Math.round(process.memoryUsage().rss / 2 ** 20);
};

/** One in eight stays well-formed, and then its items are known. */
const requestFrom = (
  seeds: readonly SeedPayload[],
  random: Random,
): { readonly request: OtlpRequest; readonly items: number | undefined } => {
  const pick = <T>(list: readonly T[]): T => {
    const chosen = list[Math.floor(random() * list.length)];
    if (chosen === undefined) throw new Error('nothing to pick from');
    return chosen;
  };
  const { signal, encoding, bytes, items } = pick(seeds);
  if (random() < 0.125 && encoding === 'protobuf') {
    const other = pick(seeds.filter((it) => it.signal === signal && it.encoding === encoding));
    const body = joined([bytes, other.bytes], random);
    return { request: { signal, encoding, body }, items: items + other.items };
  }
  const body = mutated(bytes, pick(seeds).bytes, random);
  return { request: { signal, encoding, body }, items: undefined };
};

const rowsMax = 20_000;

interface Take {
  (request: OtlpRequest): Acceptance;
  /** What does not add up. */
  readonly check: () => readonly string[];
}

/** Decodes into blocks as the daemon does, and holds the blocks' rows against what was accepted. */
const decoders = (): Take => {
  const builders = new Map<Signal, ColumnBuilder>();
  const accepted = new Map<Signal, number>();
  const wrong: string[] = [];
  const finish = (signal: Signal, builder: ColumnBuilder): void => {
    const rows = builder.finish().reduce((sum, it) => sum + it.rows, 0);
    const expected = accepted.get(signal) ?? 0;
    if (rows !== expected) wrong.push(`${signal}: ${rows} rows for ${expected} accepted items`);
    accepted.set(signal, 0);
  };
  const take = ({ signal, encoding, body }: OtlpRequest): Acceptance => {
    const builder = builders.get(signal) ?? createColumnBuilder(signal);
    builders.set(signal, builder);
    if (builder.rows() > rowsMax) finish(signal, builder);
    let acceptance = builder.append(encoding, body);
    if (acceptance === 'full') {
      finish(signal, builder);
      acceptance = builder.append(encoding, body);
    }
    if (acceptance === 'full') throw new Error('does not fit an empty block');
    accepted.set(signal, (accepted.get(signal) ?? 0) + acceptance.accepted);
    return acceptance;
  };
  const check = (): readonly string[] => {
    for (const [signal, builder] of builders) finish(signal, builder);
    return wrong;
  };
  return Object.assign(take, { check });
};

interface Doors {
  /** Resolves with how it ended. */
  readonly send: (request: OtlpRequest, random: Random) => Promise<string>;
  readonly close: () => Promise<unknown>;
}

const openDoors = async (ingest: Ingest, unforeseen: unknown[]): Promise<Doors> => {
  // What nobody foresaw is logged as an error, and nothing else is.
  const log: Log = {
    ...silentLog,
    error: (event, fields) => unforeseen.push(fields?.['error'] ?? event),
    child: () => log,
  };
  const options = {
    listen: { host: '127.0.0.1', port: 0 },
    // Small, so that bombs are refused, and short, so that a request that never ends does.
    limits: {
      ...defaultReceiveLimits,
      bodyBytesMax,
      bodyMsMax: 500,
      lingerMsMax: 100,
    },
    clock: systemClock,
    log,
    meter: noopMeter,
    ingest,
  };
  const http = createOtlpHttpServer(options);
  const grpc = createOtlpGrpcServer(options);
  const [{ port: httpPort }, { port: grpcPort }] = [await http.start(), await grpc.start()];
  let session: ClientHttp2Session | undefined;
  const grpcSession = (): ClientHttp2Session => {
    if (session && !session.closed && !session.destroyed) return session;
    session = connect(`http://127.0.0.1:${grpcPort}`);
    session.on('error', () => {});
    return session;
  };
  return {
    send: (request, random) => {
      const { signal, encoding, body } = request;
      // Half of them are compressed, and half of these spoiled after that.
      const isGzip = random() < 0.5;
      const packed = isGzip ? gzipSync(body, { level: 1 }) : Buffer.from(body);
      const bytes = isGzip && random() < 0.5 ? mutated(packed, body, random) : packed;
      return encoding === 'protobuf' && random() < 0.5
        ? sendGrpc(grpcSession(), signal, framed(bytes, isGzip, random), isGzip)
        : sendHttp(httpPort, { ...request, body: bytes }, isGzip);
    },
    close: () => {
      session?.destroy();
      return Promise.all([http.stop(), grpc.stop()]);
    },
  };
};

/** A gRPC message, in one of eight cases with a wrong flag, a wrong length or another one behind. */
const framed = (body: Buffer, isGzip: boolean, random: Random): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix[0] = Number(isGzip);
  prefix.writeUInt32BE(body.length, 1);
  const frame = Buffer.concat([prefix, body]);
  const odd = Math.floor(random() * 24);
  if (odd === 0) frame[0] = Math.floor(random() * 256);
  if (odd === 1) frame.writeUInt32BE(Math.floor(random() * 2 ** 32), 1);
  return odd === 2 ? Buffer.concat([frame, frame]) : frame;
};

const answerMsMax = 5_000;

const sendHttp = (
  port: number,
  { signal, encoding, body }: OtlpRequest,
  isGzip: boolean,
): Promise<string> =>
  new Promise((resolve) => {
    const sending = httpRequest(
      {
        port,
        host: '127.0.0.1',
        path: `/v1/${signal}`,
        method: 'POST',
        headers: {
          'content-type': encoding === 'json' ? 'application/json' : 'application/x-protobuf',
          'content-length': body.length,
          ...(isGzip && { 'content-encoding': 'gzip' }),
        },
      },
      (response) => {
        response.resume();
        response.once('close', () => resolve(`HTTP ${response.statusCode}`));
      },
    );
    sending.setTimeout(answerMsMax, () => sending.destroy());
    sending.once('error', (error) => resolve(`no answer: ${error.message}`));
    sending.end(body);
  });

const services = { traces: 'trace.v1.Trace', metrics: 'metrics.v1.Metrics', logs: 'logs.v1.Logs' };

const sendGrpc = (
  session: ClientHttp2Session,
  signal: Signal,
  frame: Buffer,
  isGzip: boolean,
): Promise<string> =>
  new Promise((resolve) => {
    let status: string | undefined;
    const stream = session.request({
      ':method': 'POST',
      ':path': `/opentelemetry.proto.collector.${services[signal]}Service/Export`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(isGzip && { 'grpc-encoding': 'gzip' }),
    });
    const late = setTimeout(() => stream.destroy(), answerMsMax);
    stream.on('response', (it) => (status ??= it['grpc-status']?.toString()));
    stream.on('trailers', (it) => (status ??= it['grpc-status']?.toString()));
    stream.on('error', () => {});
    stream.resume();
    stream.once('close', () => {
      clearTimeout(late);
      resolve(status === undefined ? 'no answer' : `gRPC ${status}`);
    });
    stream.end(frame);
  });
