import type { Signal } from '../model/ingest.ts';

/**
 * How a field is written. `id` is bytes that OTLP's JSON has in hex where proto3's has base64;
 * `int32` stands for enums too, which OTLP's JSON has as integers only.
 */
export type Scalar =
  | 'string'
  | 'bytes'
  | 'id'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'sint32'
  | 'fixed32'
  | 'int64'
  | 'uint64'
  | 'fixed64'
  | 'sfixed64'
  | 'double';

export interface Field {
  readonly number: number;
  readonly kind: Scalar | (() => Shape);
  readonly repeated: boolean;
}

/** A message's fields by their JSON names. */
export type Shape = ReadonlyMap<string, Field>;

/** The requests that can be received as JSON, from opentelemetry-proto 1.7. */
export const requestShape = (signal: Signal): Shape => requests[signal]();

const one = (number: number, kind: Field['kind']): Field => ({ number, kind, repeated: false });
const many = (number: number, kind: Field['kind']): Field => ({ number, kind, repeated: true });
const shape = (fields: Readonly<Record<string, Field>>): Shape => new Map(Object.entries(fields));

const anyValue = (): Shape => anyValueShape;
const keyValue = (): Shape => keyValueShape;

const anyValueShape = shape({
  stringValue: one(1, 'string'),
  boolValue: one(2, 'bool'),
  intValue: one(3, 'int64'),
  doubleValue: one(4, 'double'),
  arrayValue: one(5, () => arrayShape),
  kvlistValue: one(6, () => kvlistShape),
  bytesValue: one(7, 'bytes'),
});
const keyValueShape = shape({ key: one(1, 'string'), value: one(2, anyValue) });
const arrayShape = shape({ values: many(1, anyValue) });
const kvlistShape = shape({ values: many(1, keyValue) });

const resource = shape({ attributes: many(1, keyValue), droppedAttributesCount: one(2, 'uint32') });
const scope = shape({
  name: one(1, 'string'),
  version: one(2, 'string'),
  attributes: many(3, keyValue),
  droppedAttributesCount: one(4, 'uint32'),
});

/** The envelope around `items`, which is the same for the three signals but for its names. */
const request = (resources: string, scopes: string, items: string, item: Shape): (() => Shape) => {
  const scoped = shape({
    scope: one(1, () => scope),
    [items]: many(2, () => item),
    schemaUrl: one(3, 'string'),
  });
  const owned = shape({
    resource: one(1, () => resource),
    [scopes]: many(2, () => scoped),
    schemaUrl: one(3, 'string'),
  });
  const whole = shape({ [resources]: many(1, () => owned) });
  return () => whole;
};

const event = shape({
  timeUnixNano: one(1, 'fixed64'),
  name: one(2, 'string'),
  attributes: many(3, keyValue),
  droppedAttributesCount: one(4, 'uint32'),
});
const link = shape({
  traceId: one(1, 'id'),
  spanId: one(2, 'id'),
  traceState: one(3, 'string'),
  attributes: many(4, keyValue),
  droppedAttributesCount: one(5, 'uint32'),
  flags: one(6, 'fixed32'),
});
const status = shape({ message: one(2, 'string'), code: one(3, 'int32') });
const span = shape({
  traceId: one(1, 'id'),
  spanId: one(2, 'id'),
  traceState: one(3, 'string'),
  parentSpanId: one(4, 'id'),
  name: one(5, 'string'),
  kind: one(6, 'int32'),
  startTimeUnixNano: one(7, 'fixed64'),
  endTimeUnixNano: one(8, 'fixed64'),
  attributes: many(9, keyValue),
  droppedAttributesCount: one(10, 'uint32'),
  events: many(11, () => event),
  droppedEventsCount: one(12, 'uint32'),
  links: many(13, () => link),
  droppedLinksCount: one(14, 'uint32'),
  status: one(15, () => status),
  flags: one(16, 'fixed32'),
});

const exemplar = shape({
  timeUnixNano: one(2, 'fixed64'),
  asDouble: one(3, 'double'),
  spanId: one(4, 'id'),
  traceId: one(5, 'id'),
  asInt: one(6, 'sfixed64'),
  filteredAttributes: many(7, keyValue),
});
const numberPoint = shape({
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  asDouble: one(4, 'double'),
  exemplars: many(5, () => exemplar),
  asInt: one(6, 'sfixed64'),
  attributes: many(7, keyValue),
  flags: one(8, 'uint32'),
});
const histogramPoint = shape({
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  bucketCounts: many(6, 'fixed64'),
  explicitBounds: many(7, 'double'),
  exemplars: many(8, () => exemplar),
  attributes: many(9, keyValue),
  flags: one(10, 'uint32'),
  min: one(11, 'double'),
  max: one(12, 'double'),
});
const buckets = shape({ offset: one(1, 'sint32'), bucketCounts: many(2, 'uint64') });
const exponentialPoint = shape({
  attributes: many(1, keyValue),
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  scale: one(6, 'sint32'),
  zeroCount: one(7, 'fixed64'),
  positive: one(8, () => buckets),
  negative: one(9, () => buckets),
  flags: one(10, 'uint32'),
  exemplars: many(11, () => exemplar),
  min: one(12, 'double'),
  max: one(13, 'double'),
  zeroThreshold: one(14, 'double'),
});
const quantile = shape({ quantile: one(1, 'double'), value: one(2, 'double') });
const summaryPoint = shape({
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  count: one(4, 'fixed64'),
  sum: one(5, 'double'),
  quantileValues: many(6, () => quantile),
  attributes: many(7, keyValue),
  flags: one(8, 'uint32'),
});

/** Gauge, Sum, Histogram and the others differ only in their points and in who uses which field. */
const data = (point: Shape): (() => Shape) => {
  const fields = shape({
    dataPoints: many(1, () => point),
    aggregationTemporality: one(2, 'int32'),
    isMonotonic: one(3, 'bool'),
  });
  return () => fields;
};
const metric = shape({
  name: one(1, 'string'),
  description: one(2, 'string'),
  unit: one(3, 'string'),
  gauge: one(5, data(numberPoint)),
  sum: one(7, data(numberPoint)),
  histogram: one(9, data(histogramPoint)),
  exponentialHistogram: one(10, data(exponentialPoint)),
  summary: one(11, data(summaryPoint)),
});

const logRecord = shape({
  timeUnixNano: one(1, 'fixed64'),
  severityNumber: one(2, 'int32'),
  severityText: one(3, 'string'),
  body: one(5, anyValue),
  attributes: many(6, keyValue),
  droppedAttributesCount: one(7, 'uint32'),
  flags: one(8, 'fixed32'),
  traceId: one(9, 'id'),
  spanId: one(10, 'id'),
  observedTimeUnixNano: one(11, 'fixed64'),
  eventName: one(12, 'string'),
});

const requests: Readonly<Record<Signal, () => Shape>> = {
  traces: request('resourceSpans', 'scopeSpans', 'spans', span),
  metrics: request('resourceMetrics', 'scopeMetrics', 'metrics', metric),
  logs: request('resourceLogs', 'scopeLogs', 'logRecords', logRecord),
};
