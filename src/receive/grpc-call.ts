import type { IncomingHttpHeaders } from 'node:http2';
import { Fault } from '../lib/fault.ts';
import type { Coding, Signal } from '../model/ingest.ts';
import { codings, parseCoding } from './coding.ts';

/** What the headers of an HTTP/2 stream ask for. */
export type GrpcAsk =
  | {
      readonly kind: 'export';
      readonly signal: Signal;
      readonly coding: Coding;
      /** Undefined: the caller waits for ever. */
      readonly timeoutMs: number | undefined;
    }
  | { readonly kind: 'health' }
  /** `httpStatus` tells clients that do not speak gRPC apart from those that do. */
  | {
      readonly kind: 'refused';
      readonly fault: Fault;
      readonly httpStatus: 200 | 405 | 415;
      /** As far as the path tells. */
      readonly signal: Signal | 'none';
    };

const collector = '/opentelemetry.proto.collector';

const paths: Readonly<Record<string, Signal | 'health'>> = {
  [`${collector}.trace.v1.TraceService/Export`]: 'traces',
  [`${collector}.metrics.v1.MetricsService/Export`]: 'metrics',
  [`${collector}.logs.v1.LogsService/Export`]: 'logs',
  '/grpc.health.v1.Health/Check': 'health',
};

/** Decides from the headers alone, so that a call that cannot succeed is never read. */
export const readCall = (headers: IncomingHttpHeaders): GrpcAsk => {
  const path = headers[':path'] ?? '';
  const method = Object.hasOwn(paths, path) ? paths[path] : undefined;
  const refused = refuser(method);
  if (headers[':method'] !== 'POST') {
    return refused('ERR_OTLP_METHOD', 'gRPC uses POST', 405);
  }
  if (!/^application\/grpc(?:\+proto)?(?:;|$)/.test(headers['content-type'] ?? '')) {
    return refused('ERR_OTLP_TYPE', 'the content-type must be application/grpc', 415);
  }
  if (method === undefined) {
    return refused('ERR_OTLP_PATH', `unknown method ${path.slice(0, 200)}`);
  }
  if (method === 'health') return { kind: 'health' };
  const coding = parseCoding(textOf(headers['grpc-encoding']));
  if (coding === undefined) {
    return refused('ERR_OTLP_CODING', `the grpc-encoding must be one of ${codings.join(', ')}`);
  }
  const timeout = textOf(headers['grpc-timeout']);
  const timeoutMs = timeout === undefined ? undefined : parseTimeoutMs(timeout);
  if (timeout !== undefined && timeoutMs === undefined) {
    return refused('ERR_OTLP_FRAMING', 'grpc-timeout must be up to 8 digits and one of HMSmun');
  }
  return { kind: 'export', signal: method, coding, timeoutMs };
};

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** `100m`, `5S`: up to eight digits and a unit (PROTOCOL-HTTP2.md of grpc); undefined if it is not. */
export const parseTimeoutMs = (text: string): number | undefined => {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  const factor = unitMs[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
};

const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(',') : header;

const refuser =
  (method: Signal | 'health' | undefined) =>
  (code: `ERR_${string}`, message: string, httpStatus: 200 | 405 | 415 = 200): GrpcAsk => ({
    kind: 'refused',
    fault: new Fault(code, message, { remedy: 'reject' }),
    httpStatus,
    signal: method === undefined || method === 'health' ? 'none' : method,
  });
