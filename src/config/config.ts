import type { Secret } from '../lib/secret.ts';
import type { TlsFiles } from '../lib/tls-material.ts';
import type { AccessKey } from '../model/access.ts';
import type { CacheConventions } from '../model/cache-conventions.ts';
import type { RedactRule } from '../model/redaction.ts';
import type { DiskRules, RetentionMs } from '../model/retention.ts';
import type { SampleRule } from '../model/sampling.ts';
import type { SeriesLimits } from '../model/series.ts';
import type { tlsPorts } from './access-schema.ts';
import type { Address } from './address.ts';

export type Mode = 'up' | 'serve';

/** tocsin.yaml after validation, with the defaults of the mode. Nothing here is checked again. */
export interface Config {
  readonly mode: Mode;
  readonly dataDir: string;
  readonly listen: {
    readonly otlpGrpc: Address;
    readonly otlpHttp: Address;
    readonly console: Address;
    /** Used by the embedded ClickHouse only. */
    readonly sql: Address;
  };
  /** Absent: every port speaks plain text. */
  readonly tls?: TlsConfig;
  readonly auth: {
    /** Ports beyond loopback may go without keys and certificates. */
    readonly open: boolean;
    readonly keys: readonly AccessKey[];
  };
  readonly ingest: {
    readonly batch: {
      readonly rowsMax: number;
      readonly bytesMax: number;
      readonly ageMsMax: number;
    };
    readonly limits: {
      /** Of one request after decompression. */
      readonly requestBytesMax: number;
      /** Of all requests that are not answered yet. */
      readonly pendingBytesMax: number;
      readonly connectionsMax: number;
      readonly requestTimeoutMs: number;
      readonly series: SeriesLimits;
    };
    /** Threads; 0 for the main one, absent for what the machine allows. */
    readonly workers?: number;
    readonly journal: {
      readonly bytesMax: number;
      readonly fsync: 'always' | 'interval' | 'off';
    };
    readonly redact: readonly RedactRule<Secret>[];
    readonly sample: readonly SampleRule[];
    /** What is recognised as a cache, declared or known. */
    readonly caches: CacheConventions;
  };
  readonly clickhouse: ClickhouseConfig;
  readonly redis: RedisConfig;
  readonly retention: RetentionMs;
  readonly disk: DiskRules;
  readonly rules: {
    /** Globs. */
    readonly files: readonly string[];
    /** False when the globs are the default, which may match nothing. */
    readonly filesGiven: boolean;
    readonly intervalMs: number;
    /** In milliseconds where a number. */
    readonly queryOffset: 'auto' | number;
  };
  readonly alerting: {
    readonly file: string;
    /** False when the file is the default, which may be missing. */
    readonly fileGiven: boolean;
    /** The console's address unless set. */
    readonly externalUrl?: string;
  };
  readonly telemetry: {
    readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
    readonly logFormat: 'auto' | 'json' | 'text';
    /** `self`, `off` or the base URL of an OTLP/HTTP receiver. */
    readonly export: string;
    readonly intervalMs: number;
    /** From 0 to 1. */
    readonly traceRatio: number;
  };
}

export type TlsPort = (typeof tlsPorts)[number];

export interface TlsConfig extends TlsFiles {
  readonly ports: readonly TlsPort[];
}

export type ClickhouseConfig =
  | {
      readonly kind: 'embedded';
      readonly database: string;
      readonly storagePolicy?: string;
    }
  | {
      readonly kind: 'server';
      /** Without credentials. */
      readonly url: string;
      readonly database: string;
      readonly storagePolicy?: string;
      readonly cluster?: string;
      readonly username: string;
      readonly password?: Secret;
    };

export type RedisConfig =
  | { readonly kind: 'embedded' }
  | {
      readonly kind: 'server';
      /** Without credentials. */
      readonly url: string;
      readonly username?: string;
      readonly password?: Secret;
    };
