import { createHash } from 'node:crypto';

export interface EngineConfig {
  /** Everything the engine writes. */
  readonly dataDir: string;
  readonly backupsDir: string;
  readonly usersFile: string;
  /** What the whole process may take; the engine's own accounting stays well below it. */
  readonly memoryBytesMax: number;
  readonly cores: number;
}

/**
 * Users of the engine beside `default`, as which the engine itself logs in to start listening and to
 * live. That login takes no password and must come from loopback, so anybody on this machine could
 * use it too; but it is allowed a single session, and the engine's own, the first, never ends.
 */
export const daemonUser = 'tocsin';
export const viewerUser = 'viewer';

/**
 * Bounds for one query of `viewer`. The time is what Grafana's data source asks for by default: a
 * client that sends its own limit is refused when it asks for more.
 */
export const viewerLimits = {
  executionTimeSMax: 60,
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

/**
 * Share of the process' memory that the engine may count for queries, inserts, merges and caches. Its
 * resident size was measured at up to 1.5 times what it counts.
 */
const countedShare = 0.6;

/** The server side of the configuration, as ClickHouse's config.xml. */
export const configXml = (config: EngineConfig): string => {
  const countedBytesMax = Math.floor(config.memoryBytesMax * countedShare);
  const mebibytes = (share: number, mebibytesMax: number): number =>
    Math.min(mebibytesMax * 1024 * 1024, Math.floor(countedBytesMax * share));
  const pool = Math.min(16, Math.max(2, config.cores));
  return `<?xml version="1.0"?>
<clickhouse>
  <logger>
    <levels>
      <logger><name>executeQuery</name><level>none</level></logger>
      <logger><name>DynamicQueryHandler</name><level>none</level></logger>
      <logger><name>TCPHandler</name><level>none</level></logger>
    </levels>
  </logger>
  <keep_alive_timeout>10</keep_alive_timeout>
  <users_config>${xml(config.usersFile)}</users_config>
  <timezone>UTC</timezone>
  <max_server_memory_usage>${countedBytesMax}</max_server_memory_usage>
  <max_server_memory_usage_to_ram_ratio>0.8</max_server_memory_usage_to_ram_ratio>
  <mark_cache_size>${mebibytes(0.05, 512)}</mark_cache_size>
  <primary_index_cache_size>${mebibytes(0.03, 256)}</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <index_mark_cache_size>${mebibytes(0.01, 64)}</index_mark_cache_size>
  <mmap_cache_size>64</mmap_cache_size>
  <compiled_expression_cache_size>${mebibytes(0.02, 64)}</compiled_expression_cache_size>
  <query_cache><max_size_in_bytes>${mebibytes(0.02, 64)}</max_size_in_bytes></query_cache>

  <max_connections>1024</max_connections>
  <max_concurrent_queries>200</max_concurrent_queries>
  <max_thread_pool_size>1000</max_thread_pool_size>
  <max_thread_pool_free_size>16</max_thread_pool_free_size>
  <background_pool_size>${pool}</background_pool_size>
  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
  <background_schedule_pool_size>${pool * 2}</background_schedule_pool_size>
  <background_move_pool_size>2</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <tables_loader_foreground_pool_size>${pool}</tables_loader_foreground_pool_size>
  <tables_loader_background_pool_size>${pool}</tables_loader_background_pool_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>${pool}</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>${pool}</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>${pool}</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>

  <backups><allowed_path>${xml(config.backupsDir)}</allowed_path></backups>

  <query_log>
    <database>system</database>
    <table>query_log</table>
    <engine>ENGINE = MergeTree PARTITION BY event_date ORDER BY (event_date, event_time) TTL event_date + INTERVAL 2 DAY DELETE</engine>
    <flush_interval_milliseconds>15000</flush_interval_milliseconds>
    <max_size_rows>10000</max_size_rows>
    <reserved_size_rows>1024</reserved_size_rows>
    <buffer_size_rows_flush_threshold>5000</buffer_size_rows_flush_threshold>
  </query_log>
</clickhouse>
`;
};

export interface EngineUsers {
  readonly daemonPassword: string;
  readonly viewerPassword: string;
  readonly memoryBytesMax: number;
  readonly cores: number;
}

/** Users, their limits and rights, as ClickHouse's users.xml. Holds hashes, never a password. */
export const usersXml = (users: EngineUsers): string => {
  const countedBytesMax = Math.floor(users.memoryBytesMax * countedShare);
  const viewerBytesMax = Math.floor(countedBytesMax * 0.4);
  const viewerThreadsMax = Math.max(1, Math.floor(users.cores / 2));
  const limits: readonly (readonly [string, number])[] = [
    ['max_memory_usage', viewerBytesMax],
    ['max_memory_usage_for_user', Math.floor(countedBytesMax * 0.5)],
    ['max_execution_time', viewerLimits.executionTimeSMax],
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
      <allow_experimental_analyzer>1</allow_experimental_analyzer>
      <async_insert>0</async_insert>
      <log_queries>1</log_queries>
      <log_queries_min_query_duration_ms>200</log_queries_min_query_duration_ms>
      <query_profiler_real_time_period_ns>0</query_profiler_real_time_period_ns>
      <query_profiler_cpu_time_period_ns>0</query_profiler_cpu_time_period_ns>
    </default>
    <boot>
      <max_sessions_for_user>1</max_sessions_for_user>
      <max_memory_usage>50000000</max_memory_usage>
      <max_threads>1</max_threads>
      <log_queries>0</log_queries>
    </boot>
    <viewer>
      <profile>default</profile>
      <readonly>2</readonly>
      <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
${limits.map(([name, value]) => `      <${name}>${value}</${name}>`).join('\n')}
      <constraints>
${limits.map(([name, value]) => `        <${name}><min>1</min><max>${value}</max></${name}>`).join('\n')}
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
      <profile>default</profile>
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
        <query>GRANT SELECT ON otel.*</query>
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

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
