import { z } from '../lib/document.ts';
import { accessKeys, tls } from './access-schema.ts';
import { declaredCaches } from './caches-schema.ts';
import {
  address,
  durationMsOrAuto,
  notYet,
  oneOfOrUrl,
  positiveDurationMs,
  sizeBytes,
} from './fields.ts';
import { redactRules, sampleRules } from './ingest-rules-schema.ts';
import { retention } from './retention-schema.ts';

const listen = z.strictObject({
  otlp_grpc: address.prefault(':4317'),
  otlp_http: address.prefault(':4318'),
  console: address.prefault(':9900'),
  sql: address.prefault(':8123'),
});

const auth = z.strictObject({
  /** Listen beyond loopback although anybody who reaches the port may use it. */
  open: z.boolean().default(false),
  keys: accessKeys.default([]),
  /** A YAML file with a list of further keys. */
  keys_file: z.string().min(1).optional(),
});

const seriesCount = z.int().min(1).max(50_000_000);

const ingest = z.strictObject({
  batch: z
    .strictObject({
      max_rows: z.int().min(1).max(1_000_000).default(65_536),
      max_bytes: sizeBytes.prefault('32MiB'),
      max_age: positiveDurationMs.prefault('1s'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      /** One request after decompression. */
      max_request_bytes: sizeBytes.prefault('64MiB'),
      /** All requests together that are not answered yet. */
      max_pending_bytes: sizeBytes.prefault('256MiB'),
      max_connections: z.int().min(1).max(1_000_000).default(10_000),
      request_timeout: positiveDurationMs.prefault('30s'),
      /** Of one metric of one service, in an hour and the one before; points of more are rejected. */
      max_series_per_metric: seriesCount.default(200_000),
      /** Of all metrics of one service. */
      max_series_per_service: seriesCount.default(1_000_000),
      /** Of all services. Each takes 16 to 32 bytes of memory. */
      max_series: seriesCount.default(2_000_000),
    })
    .refine((it) => it.max_pending_bytes >= it.max_request_bytes, {
      path: ['max_pending_bytes'],
      error: 'must be at least max_request_bytes, or the largest request could never be taken',
    })
    .prefault({}),
  journal: z
    .strictObject({
      /** Of all workers together; when it is full, senders are asked to come again. */
      max_bytes: sizeBytes.prefault('10GiB'),
      /** `always`: acknowledged is on disk, even when the machine loses power. */
      fsync: z.enum(['always', 'interval', 'off']).default('always'),
    })
    .prefault({}),
  /** Threads that decode and store; 0 is the main one. One for each core but one unless set. */
  workers: z.int().min(0).max(256).optional(),
  /** What must not be stored as it came. The first rule for a key decides. */
  redact: redactRules.default([]),
  /** Which spans are kept. The first rule that applies decides. */
  sample: sampleRules.default([]),
  caches: declaredCaches.default([]),
});

const clickhouse = z.strictObject({
  url: oneOfOrUrl(['embedded']).optional(),
  database: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'expected a plain name: letters, digits and _')
    .default('otel'),
  username: z.string().min(1).optional(),
  password: z.string().optional(),
  password_file: z.string().min(1).optional(),
  /** Of the server's `remote_servers`: every table is then Replicated, with a Distributed one in front. */
  cluster: z
    .string()
    .regex(/^[\w.-]+$/, 'expected the name of a cluster: letters, digits, _ . and -')
    .optional(),
  /** Of the server, for every table; needed for retention.cold. */
  storage_policy: z.string().min(1).optional(),
});

const redis = z.strictObject({
  url: z
    .string()
    .refine(
      (text) => text === 'embedded' || (URL.canParse(text) && /^(rediss?|unix):\/\//.test(text)),
      'expected embedded, redis://host:6379, rediss://host:6379 or unix:///path/to/socket',
    )
    .optional(),
  username: z.string().min(1).optional(),
  password: z.string().optional(),
  password_file: z.string().min(1).optional(),
  sentinels: notYet('Redis Sentinel is'),
  cluster: notYet('Redis Cluster is'),
});

const rules = z.strictObject({
  files: z.array(z.string().min(1)).optional(),
  interval: positiveDurationMs.prefault('30s'),
  query_offset: durationMsOrAuto.prefault('auto'),
});

const alerting = z.strictObject({
  file: z.string().min(1).optional(),
  /** Where links in messages point; the console's address unless set. */
  external_url: oneOfOrUrl([]).optional(),
});

const telemetry = z.strictObject({
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** `auto`: readable on a terminal, JSON in a pipe. */
  log_format: z.enum(['auto', 'json', 'text']).default('auto'),
  /** Where the daemon's own traces and metrics go, as OTLP/HTTP. */
  export: oneOfOrUrl(['self', 'off']).default('self'),
  interval: positiveDurationMs.prefault('15s'),
  /** The share of the daemon's own traces that is kept. */
  trace_ratio: z.number().min(0).max(1).default(0.1),
});

/** tocsin.yaml: every key is known, every default that does not depend on the mode is here. */
export const configSchema = z.strictObject({
  data_dir: z.string().min(1).optional(),
  listen: listen.prefault({}),
  tls: tls.prefault({}),
  auth: auth.prefault({}),
  ingest: ingest.prefault({}),
  clickhouse: clickhouse.prefault({}),
  redis: redis.prefault({}),
  retention: retention.prefault({}),
  rules: rules.prefault({}),
  alerting: alerting.prefault({}),
  telemetry: telemetry.prefault({}),
});

export type ConfigDocument = z.output<typeof configSchema>;
