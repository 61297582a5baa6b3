/** The columns promised to users, copied from the contract and not from the code under test. */
type Types = Readonly<Record<string, string>>;

const word = 'LowCardinality(String)';
const map = 'Map(LowCardinality(String), String)';
const wordMap = 'Map(LowCardinality(String), LowCardinality(String))';
const time = 'DateTime64(9)';

const traces: Types = {
  Timestamp: time,
  TraceId: 'String',
  SpanId: 'String',
  ParentSpanId: 'String',
  TraceState: 'String',
  SpanName: word,
  SpanKind: word,
  ServiceName: word,
  ResourceAttributes: wordMap,
  ScopeName: word,
  ScopeVersion: word,
  SpanAttributes: map,
  Duration: 'UInt64',
  StatusCode: word,
  StatusMessage: 'String',
  'Events.Timestamp': `Array(${time})`,
  'Events.Name': `Array(${word})`,
  'Events.Attributes': `Array(${map})`,
  'Links.TraceId': 'Array(String)',
  'Links.SpanId': 'Array(String)',
  'Links.TraceState': 'Array(String)',
  'Links.Attributes': `Array(${map})`,
  ResourceSchemaUrl: word,
  ScopeSchemaUrl: word,
  ScopeAttributes: map,
  Flags: 'UInt32',
  DroppedAttributesCount: 'UInt32',
  DroppedEventsCount: 'UInt32',
  DroppedLinksCount: 'UInt32',
  AdjustedCount: 'Float64',
};

const point: Types = {
  ResourceAttributes: wordMap,
  ResourceSchemaUrl: word,
  ScopeName: word,
  ScopeVersion: word,
  ScopeAttributes: map,
  ScopeDroppedAttrCount: 'UInt32',
  ScopeSchemaUrl: word,
  ServiceName: word,
  MetricName: word,
  MetricDescription: word,
  MetricUnit: word,
  Attributes: map,
  StartTimeUnix: time,
  TimeUnix: time,
  Flags: 'UInt32',
};

const exemplars: Types = {
  'Exemplars.FilteredAttributes': `Array(${map})`,
  'Exemplars.TimeUnix': `Array(${time})`,
  'Exemplars.Value': 'Array(Float64)',
  'Exemplars.SpanId': 'Array(String)',
  'Exemplars.TraceId': 'Array(String)',
};

const logs: Types = {
  Timestamp: time,
  TraceId: 'String',
  SpanId: 'String',
  TraceFlags: 'UInt8',
  SeverityText: word,
  SeverityNumber: 'UInt8',
  ServiceName: word,
  Body: 'String',
  ResourceSchemaUrl: word,
  ResourceAttributes: wordMap,
  ScopeSchemaUrl: word,
  ScopeName: word,
  ScopeVersion: word,
  ScopeAttributes: map,
  LogAttributes: map,
  EventName: 'String',
  ObservedTimestamp: time,
  DroppedAttributesCount: 'UInt32',
};

export const tableTypes: Readonly<Record<string, Types>> = {
  otel_traces: traces,
  otel_logs: logs,
  otel_metrics_gauge: { ...point, Value: 'Float64', ...exemplars },
  otel_metrics_sum: {
    ...point,
    Value: 'Float64',
    AggregationTemporality: 'Int32',
    IsMonotonic: 'Bool',
    ...exemplars,
  },
  otel_metrics_histogram: {
    ...point,
    Count: 'UInt64',
    Sum: 'Float64',
    BucketCounts: 'Array(UInt64)',
    ExplicitBounds: 'Array(Float64)',
    Min: 'Float64',
    Max: 'Float64',
    AggregationTemporality: 'Int32',
    ...exemplars,
  },
  otel_metrics_exponential_histogram: {
    ...point,
    Count: 'UInt64',
    Sum: 'Float64',
    Scale: 'Int32',
    ZeroCount: 'UInt64',
    ZeroThreshold: 'Float64',
    PositiveOffset: 'Int32',
    PositiveBucketCounts: 'Array(UInt64)',
    NegativeOffset: 'Int32',
    NegativeBucketCounts: 'Array(UInt64)',
    Min: 'Float64',
    Max: 'Float64',
    AggregationTemporality: 'Int32',
    ...exemplars,
  },
  otel_metrics_summary: {
    ...point,
    Count: 'UInt64',
    Sum: 'Float64',
    'ValueAtQuantiles.Quantile': 'Array(Float64)',
    'ValueAtQuantiles.Value': 'Array(Float64)',
  },
};
