import { createHash } from 'node:crypto';
import { countedBytes, xml } from './engine-config.ts';

/**
 * Users of the engine beside `default`, as which the engine itself logs in to start listening and to
 * live. That login takes no password and must come from loopback, so anybody on this machine could
 * use it too; but it is allowed a single session, and the engine's own, the first, never ends.
 */
export const daemonUser = 'tocsin';
export const viewerUser = 'viewer';

/** Bounds for one query of `viewer`. A client that sends a limit of its own is refused above them. */
const viewerLimits = {
  executionTimeSDefault: 60,
  /** Grafana waits 60 s by default, and its driver asks for 5 s more than it waits. */
  executionTimeSMax: 120,
  resultRowsMax: 1_000_000,
  resultBytesMax: 512 * 1024 * 1024,
  concurrentQueriesMax: 16,
  /** What one query may spill to disk when it outgrows its memory. */
  spillBytesMax: 4 * 1024 ** 3,
} as const;

/**
 * Settings through which a query could read or write a file of this machine, because the engine
 * believes to be a command line tool, or leave the analyzer in which our own `file()` hides the engine's.
 */
const fixedSettings = [
  'allow_experimental_analyzer',
  'allow_introspection_functions',
  'compatibility',
  'format_avro_schema_registry_url',
  'format_schema',
  'format_schema_source',
  'format_template_resultset',
  'format_template_row',
  'input_format_record_errors_file_path',
  'output_format_schema',
  'rename_files_after_processing',
];

/**
 * The scalar function `file` reads any file of this machine for any user: the engine checks the right
 * to do so only as a server. A function of the same name, found first, takes its place. This is the
 * content of `user_defined/function_file.sql` in the engine's data directory.
 */
export const fileFunctionSql =
  "CREATE FUNCTION file AS path -> toString(throwIf(true, 'the function file is not available'))";

export interface EngineUsers {
  /** The database that `viewer` may read. */
  readonly database: string;
  readonly daemonPassword: string;
  readonly viewerPassword: string;
  readonly memoryBytesMax: number;
  readonly cores: number;
}

/**
 * Looking into the indexes of a hundred parts takes a few milliseconds and is a job for each part: waking
 * a second thread for each costs more than it saves. Large machines have parts enough for some threads.
 */
const coresPerIndexThread = 4;

/**
 * How questions read files. A trace is asked for once, lies in eight granules of seventy files, and of these
 * no more is wanted than those granules. Merges have their own ways and as many buffers as parts: not theirs.
 */
const questionReads: readonly (readonly [string, string])[] = [
  // Indexes are looked into before files are opened: buffers are as long as the granules that are left. A trace
  // takes 8 ms less of 60; the slowest spans of 3.4 million in a day (LIMIT 10) 41 instead of 24.
  ['use_skip_indexes_on_data_read', '0'],
  // The kernel is told of all columns what comes next, and fetches it while the first are decompressed.
  ['local_filesystem_read_method', 'pread'],
  ['local_filesystem_read_prefetch', '1'],
  // A granule in one read: from the second one after another on, the kernel reads up to megabytes ahead.
  ['max_read_buffer_size_local_fs', String(256 * 1024)],
];

/** Users, their limits and rights, as ClickHouse's users.xml. Holds hashes, never a password. */
export const usersXml = (users: EngineUsers): string => {
  const countedBytesMax = countedBytes(users.memoryBytesMax);
  const viewerBytesMax = Math.floor(countedBytesMax * 0.4);
  const viewerThreadsMax = Math.max(1, Math.floor(users.cores / 2));
  /** Name, most, and what holds when nothing is asked for, if less. */
  const limits: readonly (readonly [string, number, number?])[] = [
    ['max_memory_usage', viewerBytesMax],
    ['max_memory_usage_for_user', Math.floor(countedBytesMax * 0.5)],
    ['max_execution_time', viewerLimits.executionTimeSMax, viewerLimits.executionTimeSDefault],
    ['max_result_rows', viewerLimits.resultRowsMax],
    ['max_result_bytes', viewerLimits.resultBytesMax],
    ['max_threads', viewerThreadsMax],
    ['max_concurrent_queries_for_user', viewerLimits.concurrentQueriesMax],
    ['max_temporary_data_on_disk_size_for_query', viewerLimits.spillBytesMax],
    ['max_temporary_data_on_disk_size_for_user', viewerLimits.spillBytesMax],
  ];
  return `<?xml version="1.0"?>
<clickhouse>
  <profiles>
    <default>
      <max_memory_usage>${Math.floor(countedBytesMax * 0.6)}</max_memory_usage>
      <max_threads>${users.cores}</max_threads>
      <max_threads_for_indexes>${Math.max(1, Math.floor(users.cores / coresPerIndexThread))}</max_threads_for_indexes>
      <allow_experimental_analyzer>1</allow_experimental_analyzer>
      <async_insert>0</async_insert>
      <log_queries>1</log_queries>
      <log_queries_min_query_duration_ms>200</log_queries_min_query_duration_ms>
      <query_profiler_real_time_period_ns>0</query_profiler_real_time_period_ns>
      <query_profiler_cpu_time_period_ns>0</query_profiler_cpu_time_period_ns>
    </default>
    <questions>
      <profile>default</profile>
${questionReads.map(([name, value]) => `      <${name}>${value}</${name}>`).join('\n')}
    </questions>
    <boot>
      <max_sessions_for_user>1</max_sessions_for_user>
      <max_memory_usage>50000000</max_memory_usage>
      <max_threads>1</max_threads>
      <log_queries>0</log_queries>
    </boot>
    <viewer>
      <profile>questions</profile>
      <readonly>2</readonly>
      <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
${limits.map(([name, most, usual = most]) => `      <${name}>${usual}</${name}>`).join('\n')}
      <constraints>
${limits.map(([name, most]) => `        <${name}><min>1</min><max>${most}</max></${name}>`).join('\n')}
${fixedSettings.map((name) => `        <${name}><const/></${name}>`).join('\n')}
      </constraints>
    </viewer>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>boot</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT SELECT ON system.numbers</query>
      </grants>
    </default>
    <${daemonUser}>
      <password_sha256_hex>${sha256(users.daemonPassword)}</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>questions</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT ${daemonRights} ON *.*</query>
      </grants>
    </${daemonUser}>
    <${viewerUser}>
      <password_sha256_hex>${sha256(users.viewerPassword)}</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>viewer</profile>
      <quota>default</quota>
      <grants>
        <query>${xml(`GRANT SELECT ON ${identifier(users.database)}.*`)}</query>
      </grants>
    </${viewerUser}>
  </users>
</clickhouse>
`;
};

/** Everything inside the engine; no files, URLs, other servers or users. */
const daemonRights = [
  'SHOW',
  'SELECT',
  'INSERT',
  'ALTER',
  'CREATE',
  'DROP',
  'UNDROP TABLE',
  'TRUNCATE',
  'TABLE ENGINE',
  'OPTIMIZE',
  'CHECK',
  'BACKUP',
  'KILL QUERY',
  'SYSTEM',
  'dictGet',
].join(', ');

const identifier = (name: string): string =>
  `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
