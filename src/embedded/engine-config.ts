import { engineNiceness } from './give-way.ts';

export interface EngineConfig {
  readonly backupsDir: string;
  readonly usersFile: string;
  /** What the whole process may take; the engine's own accounting stays well below it. */
  readonly memoryBytesMax: number;
  readonly cores: number;
}

/**
 * How much of the process' memory the engine may count for queries, inserts, merges and caches. Its
 * resident size was measured at up to 1.5 times what it counts.
 */
export const countedBytes = (memoryBytesMax: number): number => Math.floor(memoryBytesMax * 0.6);

/**
 * Merges take what inserts and queries leave of the engine's share, and a ninth where all want more:
 * parts that wait are merged more at a time, which costs less in all.
 */
const mergeNiceness = engineNiceness + 10;

/**
 * As many merges at once as cores and not twice as many: one of sketches takes up to 400 MiB, and four
 * of them had inserts fail for want of memory on a small machine.
 */
const mergesPerCore = 1;

/**
 * Whoever writes a part has its marks in memory and leaves them to those who read it: a trace is asked for
 * once, and read the marks of a hundred files. At a start those of all parts would be read one by one.
 */
const marksReadAtStart = 0;

/**
 * Every trace that is asked for looks into the filter of every day, 15 MB in all of 100 million spans in 30
 * days, and into the filters of its own day's spans, 6 MB each: room for all of them with 4 GiB. To read
 * those of a day costs 13 ms, which whoever asks for a second trace of that day is spared.
 */
const indexBlocksShare = 0.08;

/**
 * The codec of columns that leave it to the server: LZ4 for a part as an insert makes it, ZSTD(1) for a merged
 * one that is worth it. The macro below tells the store of it (`src/store/part-codecs.ts`). In config.xml the
 * section would keep clickhouse-local from starting, which reads a switch of that name; what stands last on the
 * command line is configuration as well.
 */
export const compressionArgs: readonly string[] = [
  '--',
  '--compression=0',
  '--compression.case.min_part_size=65536',
  '--compression.case.min_part_size_ratio=0',
  '--compression.case.method=zstd',
  '--compression.case.level=1',
];

/** The server side of the configuration, as ClickHouse's config.xml. */
export const configXml = (config: EngineConfig): string => {
  const countedBytesMax = countedBytes(config.memoryBytesMax);
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
  <index_uncompressed_cache_size>${mebibytes(indexBlocksShare, 512)}</index_uncompressed_cache_size>
  <mark_cache_prewarm_ratio>${marksReadAtStart}</mark_cache_prewarm_ratio>
  <index_mark_cache_prewarm_ratio>${marksReadAtStart}</index_mark_cache_prewarm_ratio>
  <index_mark_cache_size>${mebibytes(0.01, 64)}</index_mark_cache_size>
  <mmap_cache_size>64</mmap_cache_size>
  <compiled_expression_cache_size>${mebibytes(0.02, 64)}</compiled_expression_cache_size>
  <query_cache><max_size_in_bytes>${mebibytes(0.02, 64)}</max_size_in_bytes></query_cache>

  <max_connections>1024</max_connections>
  <max_concurrent_queries>200</max_concurrent_queries>
  <max_thread_pool_size>1000</max_thread_pool_size>
  <max_thread_pool_free_size>16</max_thread_pool_free_size>
  <background_pool_size>${pool}</background_pool_size>
  <background_merges_mutations_concurrency_ratio>${mergesPerCore}</background_merges_mutations_concurrency_ratio>
  <background_schedule_pool_size>${pool * 2}</background_schedule_pool_size>
  <os_threads_nice_value_merge_mutate>${mergeNiceness}</os_threads_nice_value_merge_mutate>
  <background_move_pool_size>2</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <tables_loader_foreground_pool_size>${pool}</tables_loader_foreground_pool_size>
  <tables_loader_background_pool_size>${pool}</tables_loader_background_pool_size>
  <macros><tocsin_part_codecs>by_size</tocsin_part_codecs></macros>
  <merge_tree>
    <prewarm_mark_cache>1</prewarm_mark_cache>
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

/** Text for the inside of an element. */
export const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
