interface ResultLimits {
  readonly resultRowsMax: number;
  readonly resultBytesMax: number;
}

/**
 * `readonly: 2` admits SELECT with settings and nothing that writes. The server gives up by itself a
 * little after we do, for the case that nobody is left to kill the query.
 */
export const querySettings = (
  limits: ResultLimits,
  timeoutMs: number,
  cluster: string | undefined,
) =>
  ({
    readonly: '2',
    wait_end_of_query: 1,
    cancel_http_readonly_queries_on_client_close: 1,
    max_execution_time: Math.ceil(timeoutMs / 1000) + 1,
    max_result_rows: String(limits.resultRowsMax),
    max_result_bytes: String(limits.resultBytesMax),
    result_overflow_mode: 'throw',
    output_format_json_quote_64bit_integers: 1,
    output_format_json_quote_denormals: 0,
    ...(cluster === undefined ? {} : wholeTables),
  }) as const;

/**
 * What stands in IN or JOIN is read from all shards, once, and not by each shard from what it has: the
 * same statements then mean on a cluster what they mean on a single server.
 */
const wholeTables = { distributed_product_mode: 'global' } as const;

/** An INSERT … SELECT is made in one place and its rows go by the sharding key, not from shard to same shard. */
const onShards = {
  insert_distributed_sync: 1,
  parallel_distributed_insert_select: '0',
  ...wholeTables,
} as const;

/**
 * Synchronous and stored once per token, in what views derive from it too. Without a token an
 * identical block would be dropped silently. One sender with wild clocks must not stop a block, so
 * many days in one block are allowed. Nothing is compiled: the engine would compile the views' expressions
 * again for each insert, 8 ms of CPU, and a block is over before that pays. Views hand over one row per key,
 * so adding up the rows of a block once more before it is written finds nothing.
 */
export const insertSettings = (token: string, cluster: string | undefined) =>
  ({
    wait_end_of_query: 1,
    async_insert: 0,
    insert_deduplicate: 1,
    insert_deduplication_token: token,
    deduplicate_blocks_in_dependent_materialized_views: 1,
    compile_expressions: 0,
    compile_aggregate_expressions: 0,
    compile_sort_description: 0,
    optimize_on_insert: 0,
    throw_on_max_partitions_per_insert_block: 0,
    input_format_skip_unknown_fields: 0,
    date_time_input_format: 'best_effort',
    ...(cluster === undefined ? {} : onShards),
  }) as const;
