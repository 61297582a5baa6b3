import { type Path, type Problem, type ProblemAt, readDocument, z } from '../lib/document.ts';
import { type Address, type AddressText } from './address.ts';
import { cacheConventionsOf } from './caches.ts';
import type { Config, Mode } from './config.ts';
import { connectionsOf } from './connections.ts';
import { defined } from './defined.ts';
import { type Override, overlay, overrideAt, readOverrides } from './environment.ts';
import { exposedListeners, listenersOf } from './exposure.ts';
import { redactRulesOf, sampleRulesOf } from './ingest-rules.ts';
import { keysOf } from './keys.ts';
import { byPlace } from './notices.ts';
import { retentionOf } from './retention.ts';
import { type ConfigDocument, configSchema } from './schema.ts';
import { besideFile, createSecretReader, type ReadFile } from './secrets.ts';
import {
  type Environment,
  type RememberingSubstitute,
  rememberSubstitutes,
  substituteFrom,
} from './substitute.ts';
import { tlsOf } from './tls.ts';

export interface ConfigSource {
  /** Absent: defaults and environment alone. */
  readonly file?: { readonly path: string; readonly text: string };
  readonly environment: Environment;
  readonly mode: Mode;
  /** Reads the files that `x_file` keys name. */
  readonly readFile: ReadFile;
}

export type ConfigReading =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads tocsin.yaml with the environment on top and reports every problem at once. A problem with a
 * variable has the variable's name as its file and no line (0).
 */
export const loadConfig = (source: ConfigSource): ConfigReading => {
  const file = source.file?.path ?? 'configuration';
  const overrides = readOverrides(configSchema, source.environment);
  const substitute = rememberSubstitutes(substituteFrom(source.environment));
  const reading = readDocument(
    file,
    source.file?.text ?? '',
    z.preprocess((raw) => overlay(raw, overrides.known), configSchema),
    { substitute: substitute.replace },
  );
  const place = placeOf(source, overrides.known);
  const unknown = overrides.unknown.map(({ variable, message }) => ({
    ...noPlace,
    file: variable,
    message,
  }));
  if (!reading.ok) {
    return { ok: false, problems: [...reading.problems.map(place), ...unknown].toSorted(byPlace) };
  }

  const problems: Problem[] = [];
  const problemAt: ProblemAt = (path, message) => place(reading.problemAt(path, message));
  const given = { overrides: overrides.known, substitute };
  const config = configOf(reading.value, source, given, problemAt, problems);
  // Where keys or certificates could not be read, their absence is no news.
  const exposed = (problems.length > 0 ? [] : exposedListeners(config)).map(({ key, message }) =>
    problemAt(['listen', key], message),
  );
  problems.push(...exposed, ...sharedPorts(config, problemAt), ...unknown);
  const all = problems.toSorted(byPlace);
  return all.length > 0 ? { ok: false, problems: all } : { ok: true, config };
};

const noPlace = { line: 0, column: 0, key: '' } as const;

/** Moves a problem to the variable that brought the value, or nowhere when there is no file. */
const placeOf =
  (source: ConfigSource, overrides: readonly Override[]) =>
  (problem: Problem): Problem => {
    const override = overrideAt(overrides, pathOf(problem.key));
    if (override) return { ...problem, file: override.variable, line: 0, column: 0 };
    return source.file ? problem : { ...problem, line: 0, column: 0 };
  };

const pathOf = (key: string): Path => key.replace(/\[.*$/, '').split('.');

/** What the environment had to say. */
interface FromEnvironment {
  readonly overrides: readonly Override[];
  readonly substitute: RememberingSubstitute;
}

const configOf = (
  document: ConfigDocument,
  source: ConfigSource,
  { overrides, substitute }: FromEnvironment,
  problemAt: ProblemAt,
  problems: Problem[],
): Config => {
  const { mode, file, readFile } = source;
  const { auth, ingest, rules, alerting, telemetry } = document;
  const fromFile = (path: Path, value: string): string =>
    file && !overrideAt(overrides, path) ? besideFile(file.path, value) : value;
  const secrets = createSecretReader(file?.path ?? '', problemAt, source.readFile);
  const connections = connectionsOf(document, mode, secrets, problemAt);
  const { tls, problems: tlsProblems } = tlsOf({
    tls: document.tls,
    fromFile,
    problemAt,
    readFile,
  });
  const { keys_file: keysFile } = auth;
  const keys = keysOf({
    auth,
    file: file?.path ?? '',
    keysFile: keysFile === undefined ? undefined : fromFile(['auth', 'keys_file'], keysFile),
    problemAt,
    readFile,
    substitute,
  });
  const redact = redactRulesOf(ingest.redact, secrets, problemAt);
  const retention = retentionOf(document, problemAt);
  problems.push(...redact.problems, ...retention.problems);
  problems.push(...connections.problems, ...secrets.problems(), ...tlsProblems, ...keys.problems);
  return {
    mode,
    dataDir: document.data_dir ? fromFile(['data_dir'], document.data_dir) : 'data',
    listen: {
      otlpGrpc: listenOn(document.listen.otlp_grpc, mode),
      otlpHttp: listenOn(document.listen.otlp_http, mode),
      console: listenOn(document.listen.console, mode),
      sql: listenOn(document.listen.sql, 'up'),
    },
    ...(tls && { tls }),
    auth: { open: auth.open, keys: keys.keys },
    ingest: {
      batch: {
        rowsMax: ingest.batch.max_rows,
        bytesMax: ingest.batch.max_bytes,
        ageMsMax: ingest.batch.max_age,
      },
      limits: {
        requestBytesMax: ingest.limits.max_request_bytes,
        pendingBytesMax: ingest.limits.max_pending_bytes,
        connectionsMax: ingest.limits.max_connections,
        requestTimeoutMs: ingest.limits.request_timeout,
        series: {
          perMetric: ingest.limits.max_series_per_metric,
          perService: ingest.limits.max_series_per_service,
          total: ingest.limits.max_series,
        },
      },
      journal: { bytesMax: ingest.journal.max_bytes, fsync: ingest.journal.fsync },
      ...defined({ workers: ingest.workers }),
      redact: redact.rules,
      sample: sampleRulesOf(ingest.sample),
      caches: cacheConventionsOf(ingest.caches),
    },
    clickhouse: connections.clickhouse,
    redis: connections.redis,
    retention: retention.retention,
    disk: retention.disk,
    rules: {
      files: (rules.files ?? ['rules/*.yaml']).map((it) => fromFile(['rules', 'files'], it)),
      filesGiven: rules.files !== undefined,
      intervalMs: rules.interval,
      queryOffset: rules.query_offset,
    },
    alerting: defined({
      file: fromFile(['alerting', 'file'], alerting.file ?? 'alerting.yaml'),
      fileGiven: alerting.file !== undefined,
      externalUrl: alerting.external_url?.replace(/\/+$/, ''),
    }),
    telemetry: {
      logLevel: telemetry.log_level,
      logFormat: telemetry.log_format,
      export: telemetry.export.replace(/\/+$/, ''),
      intervalMs: telemetry.interval,
      traceRatio: telemetry.trace_ratio,
    },
  };
};

const listenOn = (text: AddressText, mode: Mode): Address => ({
  host: text.host ?? (mode === 'up' ? '127.0.0.1' : '0.0.0.0'),
  port: text.port,
});

/** Found here rather than by the second one to open, which would blame another program. */
const sharedPorts = (config: Config, problemAt: ProblemAt): readonly Problem[] => {
  const listeners = listenersOf(config).filter(([, it]) => it.port !== 0);
  return listeners.flatMap(([key, { port, host }], index) => {
    const [taken] =
      listeners.slice(0, index).find(([, it]) => it.port === port && it.host === host) ?? [];
    return taken === undefined
      ? []
      : [problemAt(['listen', key], `listen.${taken} has this port already`)];
  });
};
