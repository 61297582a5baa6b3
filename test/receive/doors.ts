import { request } from 'node:http';
import { type ChannelCredentials, Client, credentials, Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { decompress } from '../../src/decode/decompress.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Fault } from '../../src/lib/fault.ts';
import type { Log, LogFields } from '../../src/lib/log.ts';
import type { Attributes, Meter } from '../../src/lib/meter.ts';
import type { Acceptance, Ingest, OtlpRequest } from '../../src/model/ingest.ts';
import { createOtlpGrpcServer } from '../../src/receive/grpc-server.ts';
import { createOtlpHttpServer, type OtlpHttpServerOptions } from '../../src/receive/http-server.ts';
import { defaultReceiveLimits, type ReceiveLimits } from '../../src/receive/limits.ts';
import type { Address, OtlpServer } from '../../src/receive/otlp-server.ts';

/** Just enough of tap's `t` to end what a test started. */
interface Teardown {
  readonly teardown: (end: () => unknown) => void;
}

export interface Doors {
  readonly address: Address;
  readonly server: OtlpServer;
  /** Everything ingest was given, without its coding. */
  readonly taken: OtlpRequest[];
  readonly lines: readonly LogLine[];
  /** Sum of a counter, or the value of a gauge, over the attributes that match. */
  readonly metric: (name: string, attributes?: Attributes) => number;
}

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields;
}

export interface DoorOptions extends Partial<Omit<OtlpHttpServerOptions, 'limits'>> {
  readonly limits?: Partial<ReceiveLimits>;
}

export const allGood: Acceptance = { accepted: 1, rejected: 0, message: '' };

export const openHttp = (t: Teardown, options: DoorOptions = {}): Promise<Doors> =>
  open(t, createOtlpHttpServer, options);

export const openGrpc = (t: Teardown, options: DoorOptions = {}): Promise<Doors> =>
  open(t, createOtlpGrpcServer, options);

const open = async (
  t: Teardown,
  create: (options: OtlpHttpServerOptions) => OtlpServer,
  { ingest = async () => allGood, limits, ...rest }: DoorOptions,
): Promise<Doors> => {
  const taken: OtlpRequest[] = [];
  const lines: LogLine[] = [];
  const { meter, metric } = recordingMeter();
  const server = create({
    listen: { host: '127.0.0.1', port: 0 },
    limits: { ...defaultReceiveLimits, drainMsMax: 500, lingerMsMax: 500, ...limits },
    clock: systemClock,
    log: recordingLog(lines),
    meter,
    ...rest,
    ingest: async ({ coding, ...rest }) => {
      const bodyBytesMax = limits?.bodyBytesMax ?? defaultReceiveLimits.bodyBytesMax;
      const body = decompress(coding ?? 'identity', rest.body, bodyBytesMax);
      const plain = { ...rest, body };
      taken.push(plain);
      const acceptance = await ingest(plain);
      return coding ? { ...acceptance, plainBytes: body.length } : acceptance;
    },
  });
  t.teardown(server.stop);
  const address = await server.start();
  return { address, server, taken, lines, metric };
};

/** An ingest that waits until `release` is called; `entered` resolves when the first call waits. */
export const gatedIngest = (acceptance: Acceptance = allGood) => {
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const ingest: Ingest = async () => {
    entered.resolve();
    await gate.promise;
    return acceptance;
  };
  return { ingest, entered: entered.promise, release: gate.resolve };
};

export const failingIngest =
  (error: Fault | Error): Ingest =>
  async () => {
    throw error;
  };

const recordingLog = (lines: LogLine[], base: LogFields = {}): Log => {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) => {
      lines.push({ level, event, fields: { ...base, ...fields } });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recordingLog(lines, { ...base, ...fields }),
  };
};

const recordingMeter = () => {
  const sums: { name: string; value: number; attributes: Attributes }[] = [];
  const gauges = new Map<string, () => number | readonly { readonly value: number }[]>();
  const record =
    (name: string) =>
    (value: number, attributes: Attributes = {}) => {
      sums.push({ name, value, attributes });
    };
  const meter: Meter = {
    counter: record,
    histogram: record,
    gauge: (name, _options, observe) => {
      gauges.set(name, observe);
    },
  };
  const metric = (name: string, attributes: Attributes = {}): number => {
    const observed = gauges.get(name)?.();
    if (typeof observed === 'number') return observed;
    if (observed) return observed.reduce((sum, it) => sum + it.value, 0);
    return sums
      .filter((it) => it.name === name)
      .filter((it) => Object.entries(attributes).every(([k, v]) => it.attributes[k] === v))
      .reduce((sum, it) => sum + it.value, 0);
  };
  return { meter, metric };
};

/** The messages that answers are made of, read by protobufjs, which shares nothing with our writer. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
  message RetryInfo { Duration retry_delay = 1; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message BadRequest { repeated Violation field_violations = 1; }
  message Violation { string field = 1; string description = 2; }
  message ExportResponse { PartialSuccess partial_success = 1; }
  message PartialSuccess { int64 rejected = 1; string error_message = 2; }
`);

const read = (type: string, bytes: Uint8Array): Record<string, unknown> => {
  const message = root.lookupType(type);
  return message.toObject(message.decode(bytes), { longs: Number, arrays: true });
};

export interface PlainStatus {
  readonly code: number;
  readonly message: string;
  readonly retryMs?: number;
  readonly violations?: readonly string[];
}

/** google.rpc.Status with its details unpacked. */
export const readStatus = (bytes: Uint8Array): PlainStatus => {
  const { code, message, details } = read('Status', bytes) as {
    code: number;
    message: string;
    details: { type_url?: string; typeUrl: string; value: Uint8Array }[];
  };
  const byType = new Map(details.map((it) => [it.typeUrl.split('.').at(-1), it.value]));
  const retry = byType.get('RetryInfo');
  const bad = byType.get('BadRequest');
  const { retryDelay } = retry
    ? (read('RetryInfo', retry) as { retryDelay: { seconds?: number; nanos?: number } })
    : { retryDelay: undefined };
  const { fieldViolations } = bad ? read('BadRequest', bad) : { fieldViolations: undefined };
  const violations = fieldViolations as readonly { readonly description: string }[] | undefined;
  return {
    code,
    message,
    ...(retryDelay && {
      retryMs: (retryDelay.seconds ?? 0) * 1000 + (retryDelay.nanos ?? 0) / 1e6,
    }),
    ...(violations && { violations: violations.map((it) => it.description) }),
  };
};

export const readExportResponse = (bytes: Uint8Array): Record<string, unknown> =>
  read('ExportResponse', bytes);

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface Post {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

/** One request over a connection of its own. Resolves with the answer even if the body was cut. */
export const post = ({ address }: Doors, { path, method, headers, body }: Post = {}) =>
  new Promise<Answer>((resolve, reject) => {
    const sending = request(
      {
        host: address.host,
        port: address.port,
        path: path ?? '/v1/traces',
        method: method ?? 'POST',
        headers: { 'content-type': 'application/x-protobuf', ...headers },
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => {});
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    sending.on('error', reject);
    sending.end(body);
  });

export interface GrpcCall {
  readonly path?: string;
  readonly metadata?: Metadata;
  readonly credentials?: ChannelCredentials;
}

/** One empty message by a real gRPC client; `code` is 0 when it succeeds. */
export const callGrpc = (
  t: Teardown,
  { address }: Doors,
  {
    path,
    metadata = new Metadata(),
    credentials: how = credentials.createInsecure(),
  }: GrpcCall = {},
) => {
  const client = new Client(`${address.host}:${address.port}`, how);
  t.teardown(() => client.close());
  const method = path ?? '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  const asIs = (bytes: Buffer): Buffer => bytes;
  return new Promise<{
    readonly code: number;
    readonly details: string;
    readonly metadata: Metadata;
  }>((resolve) => {
    client.makeUnaryRequest(method, asIs, asIs, Buffer.alloc(0), metadata, (error) =>
      resolve(error ?? { code: 0, details: '', metadata: new Metadata() }),
    );
  });
};
