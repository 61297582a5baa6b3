CREATE TABLE IF NOT EXISTS `otel`.`trace_summaries_computed_local` ON CLUSTER `main`
(
    TraceId String COMMENT '32 lower-case hex digits' CODEC(ZSTD(3)),
    Start DateTime64(9, 'UTC') COMMENT 'Start of the first span, UTC, nanosecond precision' CODEC(Delta(8), ZSTD(3)),
    Duration UInt64 COMMENT 'From the start of the first span to the end of the last, nanoseconds; async work that outlives the root included' CODEC(T64, ZSTD(3)),
    RootService LowCardinality(String) COMMENT 'service.name of the root, of the earliest span without a known parent when there is no root' CODEC(ZSTD(3)),
    RootName LowCardinality(String) COMMENT 'Operation of the same span' CODEC(ZSTD(3)),
    RootSpanId String COMMENT 'Id of the same span, 16 lower-case hex digits' CODEC(ZSTD(3)),
    RootDuration UInt64 COMMENT 'Duration of the critical path, nanoseconds: that of the root; where the root is missing, of what is there' CODEC(T64, ZSTD(3)),
    RootMissing UInt8 COMMENT '1 when every span has a parent, so that the root was not sent (yet)' CODEC(ZSTD(3)),
    Status LowCardinality(String) COMMENT 'ok, error (the root has status Error) or timeout (that, and it or a span below ended by a timeout)' CODEC(ZSTD(3)),
    Spans UInt32 COMMENT 'Spans stored, each id once, count after sampling' CODEC(T64, ZSTD(3)),
    Errors UInt32 COMMENT 'Spans with status Error, count after sampling' CODEC(T64, ZSTD(3)),
    Timeouts UInt32 COMMENT 'Spans with status Error that ended by a timeout, count after sampling' CODEC(T64, ZSTD(3)),
    Services Array(LowCardinality(String)) COMMENT 'service.name of its spans, each once, sorted; at most 1,000' CODEC(ZSTD(3)),
    AdjustedCount Float64 COMMENT 'Traces this one stands for after sampling, count: that of the root' CODEC(ZSTD(3)),
    BottleneckService LowCardinality(String) COMMENT 'Service of the operation with most own time on the critical path; empty for time that no span tells of' CODEC(ZSTD(3)),
    BottleneckName LowCardinality(String) COMMENT 'Name of that operation' CODEC(ZSTD(3)),
    BottleneckTime UInt64 COMMENT 'Its own time on the critical path, all its spans together, nanoseconds' CODEC(T64, ZSTD(3)),
    BottleneckSpans UInt32 COMMENT 'Its spans on the critical path, count' CODEC(T64, ZSTD(3)),
    BottleneckShare Float64 COMMENT 'BottleneckTime as share of RootDuration, 0 to 1' CODEC(ZSTD(3)),
    `CriticalPath.SpanId` Array(String) COMMENT 'Spans with own time on the critical path in order of start, at most the 100 with most; 16 lower-case hex digits, empty for time that no span tells of' CODEC(ZSTD(3)),
    `CriticalPath.ServiceName` Array(LowCardinality(String)) COMMENT 'service.name of each' CODEC(ZSTD(3)),
    `CriticalPath.SpanName` Array(LowCardinality(String)) COMMENT 'Operation of each' CODEC(ZSTD(3)),
    `CriticalPath.Offset` Array(Int64) COMMENT 'Start of each after Start, nanoseconds' CODEC(ZSTD(3)),
    `CriticalPath.Time` Array(UInt64) COMMENT 'Own time of each on the critical path, nanoseconds: what would be saved if it took none' CODEC(ZSTD(3)),
    `CriticalPath.Share` Array(Float64) COMMENT 'The same as share of RootDuration, 0 to 1' CODEC(ZSTD(3)),
    Version UInt64 COMMENT 'Rows of otel_traces it was computed from, count' CODEC(ZSTD(3)),
    Gone UInt8 COMMENT '1 when the trace has moved to an earlier minute' CODEC(ZSTD(3))
)
ENGINE = ReplicatedReplacingMergeTree(Version, Gone)
PARTITION BY toDate(Start)
ORDER BY (toStartOfMinute(Start), TraceId)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Summaries of traces, all computations; read trace_summaries';

CREATE TABLE IF NOT EXISTS `otel`.`trace_summaries_computed` ON CLUSTER `main`
AS `otel`.`trace_summaries_computed_local`
ENGINE = Distributed('main', 'otel', 'trace_summaries_computed_local', cityHash64(TraceId));

CREATE VIEW IF NOT EXISTS `otel`.`trace_summaries` ON CLUSTER `main`
(
    TraceId String COMMENT '32 lower-case hex digits',
    Start DateTime64(9, 'UTC') COMMENT 'Start of the first span, UTC, nanosecond precision',
    Duration UInt64 COMMENT 'From the start of the first span to the end of the last, nanoseconds; async work that outlives the root included',
    RootService LowCardinality(String) COMMENT 'service.name of the root, of the earliest span without a known parent when there is no root',
    RootName LowCardinality(String) COMMENT 'Operation of the same span',
    RootSpanId String COMMENT 'Id of the same span, 16 lower-case hex digits',
    RootDuration UInt64 COMMENT 'Duration of the critical path, nanoseconds: that of the root; where the root is missing, of what is there',
    RootMissing UInt8 COMMENT '1 when every span has a parent, so that the root was not sent (yet)',
    Status LowCardinality(String) COMMENT 'ok, error (the root has status Error) or timeout (that, and it or a span below ended by a timeout)',
    Spans UInt32 COMMENT 'Spans stored, each id once, count after sampling',
    Errors UInt32 COMMENT 'Spans with status Error, count after sampling',
    Timeouts UInt32 COMMENT 'Spans with status Error that ended by a timeout, count after sampling',
    Services Array(LowCardinality(String)) COMMENT 'service.name of its spans, each once, sorted; at most 1,000',
    AdjustedCount Float64 COMMENT 'Traces this one stands for after sampling, count: that of the root',
    BottleneckService LowCardinality(String) COMMENT 'Service of the operation with most own time on the critical path; empty for time that no span tells of',
    BottleneckName LowCardinality(String) COMMENT 'Name of that operation',
    BottleneckTime UInt64 COMMENT 'Its own time on the critical path, all its spans together, nanoseconds',
    BottleneckSpans UInt32 COMMENT 'Its spans on the critical path, count',
    BottleneckShare Float64 COMMENT 'BottleneckTime as share of RootDuration, 0 to 1',
    `CriticalPath.SpanId` Array(String) COMMENT 'Spans with own time on the critical path in order of start, at most the 100 with most; 16 lower-case hex digits, empty for time that no span tells of',
    `CriticalPath.ServiceName` Array(LowCardinality(String)) COMMENT 'service.name of each',
    `CriticalPath.SpanName` Array(LowCardinality(String)) COMMENT 'Operation of each',
    `CriticalPath.Offset` Array(Int64) COMMENT 'Start of each after Start, nanoseconds',
    `CriticalPath.Time` Array(UInt64) COMMENT 'Own time of each on the critical path, nanoseconds: what would be saved if it took none',
    `CriticalPath.Share` Array(Float64) COMMENT 'The same as share of RootDuration, 0 to 1'
)
AS SELECT trace.* EXCEPT (Version, Gone) FROM `otel`.`trace_summaries_computed` AS trace FINAL
COMMENT 'One row per trace: root, duration, status, services, critical path and bottleneck';
