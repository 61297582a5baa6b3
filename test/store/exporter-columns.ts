/**
 * The tables of the OpenTelemetry Collector's ClickHouse exporter, column by column, as its SQL templates
 * have them: what people's queries, Grafana and HyperDX count on. Times of metrics are DateTime64(9) in
 * some of its versions and DateTime in others; the finer one answers for both. Types without
 * LowCardinality, which changes no answer.
 */
const attributes = 'Map(String, String)';

const resourceAndScope = {
  ResourceAttributes: attributes,
  ResourceSchemaUrl: 'String',
  ScopeName: 'String',
  ScopeVersion: 'String',
  ScopeAttributes: attributes,
  ScopeSchemaUrl: 'String',
  ServiceName: 'String',
};

const point = {
  ...resourceAndScope,
  ScopeDroppedAttrCount: 'UInt32',
  MetricName: 'String',
  MetricDescription: 'String',
  MetricUnit: 'String',
  Attributes: attributes,
  StartTimeUnix: 'DateTime64(9)',
  TimeUnix: 'DateTime64(9)',
  Flags: 'UInt32',
};

const exemplars = {
  'Exemplars.FilteredAttributes': `Array(${attributes})`,
  'Exemplars.TimeUnix': 'Array(DateTime64(9))',
  'Exemplars.Value': 'Array(Float64)',
  'Exemplars.SpanId': 'Array(String)',
  'Exemplars.TraceId': 'Array(String)',
};

const measured = {
  Count: 'UInt64',
  Sum: 'Float64',
  Min: 'Float64',
  Max: 'Float64',
  AggregationTemporality: 'Int32',
};

const exponential = {
  ...point,
  ...exemplars,
  ...measured,
  Scale: 'Int32',
  ZeroCount: 'UInt64',
  PositiveOffset: 'Int32',
  PositiveBucketCounts: 'Array(UInt64)',
  NegativeOffset: 'Int32',
  NegativeBucketCounts: 'Array(UInt64)',
};

export const exporterColumns: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  otel_traces: {
    Timestamp: 'DateTime64(9)',
    TraceId: 'String',
    SpanId: 'String',
    ParentSpanId: 'String',
    TraceState: 'String',
    SpanName: 'String',
    SpanKind: 'String',
    ServiceName: 'String',
    ResourceAttributes: attributes,
    ScopeName: 'String',
    ScopeVersion: 'String',
    SpanAttributes: attributes,
    Duration: 'UInt64',
    StatusCode: 'String',
    StatusMessage: 'String',
    'Events.Timestamp': 'Array(DateTime64(9))',
    'Events.Name': 'Array(String)',
    'Events.Attributes': `Array(${attributes})`,
    'Links.TraceId': 'Array(String)',
    'Links.SpanId': 'Array(String)',
    'Links.TraceState': 'Array(String)',
    'Links.Attributes': `Array(${attributes})`,
  },
  otel_traces_trace_id_ts: {
    TraceId: 'String',
    Start: 'SimpleAggregateFunction(min, DateTime)',
    End: 'SimpleAggregateFunction(max, DateTime)',
  },
  otel_logs: {
    ...resourceAndScope,
    Timestamp: 'DateTime64(9)',
    TimestampTime: 'DateTime',
    TraceId: 'String',
    SpanId: 'String',
    TraceFlags: 'UInt8',
    SeverityText: 'String',
    SeverityNumber: 'UInt8',
    Body: 'String',
    LogAttributes: attributes,
  },
  otel_metrics_gauge: { ...point, ...exemplars, Value: 'Float64' },
  otel_metrics_sum: {
    ...point,
    ...exemplars,
    Value: 'Float64',
    AggregationTemporality: 'Int32',
    IsMonotonic: 'Bool',
  },
  otel_metrics_summary: {
    ...point,
    Count: 'UInt64',
    Sum: 'Float64',
    'ValueAtQuantiles.Quantile': 'Array(Float64)',
    'ValueAtQuantiles.Value': 'Array(Float64)',
  },
  otel_metrics_histogram: {
    ...point,
    ...exemplars,
    ...measured,
    BucketCounts: 'Array(UInt64)',
    ExplicitBounds: 'Array(Float64)',
  },
  otel_metrics_exponential_histogram: exponential,
  otel_metrics_exp_histogram: exponential,
};

/** Computed when they are asked for: nobody writes them, and `SELECT *` leaves them out. */
export const exporterAliases: typeof exporterColumns = {
  otel_traces: {
    ResourceAttributeItems: 'Array(String)',
    SpanAttributeItems: 'Array(String)',
  },
  otel_logs: {
    ResourceAttributeItems: 'Array(String)',
    ScopeAttributeItems: 'Array(String)',
    LogAttributeItems: 'Array(String)',
  },
};
