/*
 * OTLP as one would read it first: protobufjs objects, a row object each, JSON.stringify. It shares no
 * code with src/decode, so it is the oracle of its tests and the yardstick of its benches.
 */

interface AnyValue {
  readonly value?: string;
  readonly stringValue: string;
  readonly boolValue: boolean;
  readonly intValue: Whole;
  readonly doubleValue: number;
  readonly arrayValue: { readonly values: readonly AnyValue[] };
  readonly kvlistValue: { readonly values: readonly KeyValue[] };
  readonly bytesValue: Uint8Array;
}

interface KeyValue {
  readonly key: string;
  readonly value: AnyValue | null;
}

/** A Long, or a number where the value is small. */
interface Whole {
  readonly toString: () => string;
}

interface Owner {
  readonly resource: { readonly attributes: readonly KeyValue[] } | null;
  readonly schemaUrl: string;
}

interface Scoped {
  readonly scope: {
    readonly name: string;
    readonly version: string;
    readonly attributes: readonly KeyValue[];
    readonly droppedAttributesCount: number;
  } | null;
  readonly schemaUrl: string;
}

interface Span {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId: Uint8Array;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: Whole;
  readonly endTimeUnixNano: Whole;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
  readonly events: readonly {
    readonly timeUnixNano: Whole;
    readonly name: string;
    readonly attributes: readonly KeyValue[];
  }[];
  readonly droppedEventsCount: number;
  readonly links: readonly {
    readonly traceId: Uint8Array;
    readonly spanId: Uint8Array;
    readonly traceState: string;
    readonly attributes: readonly KeyValue[];
  }[];
  readonly droppedLinksCount: number;
  readonly status: { readonly code: number; readonly message: string } | null;
  readonly flags: number;
}

interface Exemplar {
  readonly filteredAttributes: readonly KeyValue[];
  readonly timeUnixNano: Whole;
  readonly value?: string;
  readonly asDouble: number;
  readonly asInt: Whole;
  readonly spanId: Uint8Array;
  readonly traceId: Uint8Array;
}

interface Point {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: Whole;
  readonly timeUnixNano: Whole;
  readonly flags: number;
  readonly exemplars: readonly Exemplar[];
  readonly value?: string;
  readonly asDouble: number;
  readonly asInt: Whole;
  readonly count: Whole;
  readonly sum: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly bucketCounts: readonly Whole[];
  readonly explicitBounds: readonly number[];
  readonly scale: number;
  readonly zeroCount: Whole;
  readonly zeroThreshold: number;
  readonly positive: Buckets | null;
  readonly negative: Buckets | null;
  readonly quantileValues: readonly { readonly quantile: number; readonly value: number }[];
}

interface Buckets {
  readonly offset: number;
  readonly bucketCounts: readonly Whole[];
}

interface Data {
  readonly dataPoints: readonly Point[];
  readonly aggregationTemporality: number;
  readonly isMonotonic: boolean;
}

interface Metric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly gauge: Data | null;
  readonly sum: Data | null;
  readonly histogram: Data | null;
  readonly exponentialHistogram: Data | null;
  readonly summary: Data | null;
}

interface LogRecord {
  readonly timeUnixNano: Whole;
  readonly observedTimeUnixNano: Whole;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: AnyValue | null;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
  readonly flags: number;
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly eventName: string;
}

type Row = Readonly<Record<string, unknown>>;

const kinds = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'];
const codes = ['Unset', 'Ok', 'Error'];

/** Rows of `otel_traces` from a decoded TracesRequest. */
export const traceRows = (request: object): readonly Row[] => {
  const rows: Row[] = [];
  const { resourceSpans } = request as {
    resourceSpans: readonly (Owner & {
      scopeSpans: readonly (Scoped & { spans: readonly Span[] })[];
    })[];
  };
  for (const owner of resourceSpans) {
    const fromResource = resourceColumns(owner);
    for (const scoped of owner.scopeSpans) {
      const fromScope = scopeColumns(scoped);
      for (const span of scoped.spans) {
        const startNs = BigInt(String(span.startTimeUnixNano));
        const endNs = BigInt(String(span.endTimeUnixNano));
        rows.push({
          Timestamp: seconds(startNs),
          TraceId: hex(span.traceId),
          SpanId: hex(span.spanId),
          ParentSpanId: span.parentSpanId.length === 8 ? hex(span.parentSpanId) : '',
          TraceState: span.traceState,
          SpanName: span.name,
          SpanKind: kinds[span.kind] ?? 'Unspecified',
          ...fromResource,
          ...fromScope,
          SpanAttributes: attributeMap(span.attributes),
          Duration: endNs > startNs ? String(endNs - startNs) : '0',
          StatusCode: codes[span.status?.code ?? 0] ?? 'Unset',
          StatusMessage: span.status?.message ?? '',
          'Events.Timestamp': span.events.map((it) => seconds(BigInt(String(it.timeUnixNano)))),
          'Events.Name': span.events.map((it) => it.name),
          'Events.Attributes': span.events.map((it) => attributeMap(it.attributes)),
          'Links.TraceId': span.links.map((it) => hex(it.traceId)),
          'Links.SpanId': span.links.map((it) => hex(it.spanId)),
          'Links.TraceState': span.links.map((it) => it.traceState),
          'Links.Attributes': span.links.map((it) => attributeMap(it.attributes)),
          Flags: span.flags,
          DroppedAttributesCount: span.droppedAttributesCount,
          DroppedEventsCount: span.droppedEventsCount,
          DroppedLinksCount: span.droppedLinksCount,
          AdjustedCount: adjusted(span.traceState),
        });
      }
    }
  }
  return rows;
};

/** Rows of the five metric tables from a decoded MetricsRequest. */
export const metricRows = (request: object): Readonly<Record<string, readonly Row[]>> => {
  const tables: Record<string, Row[]> = {};
  const { resourceMetrics } = request as {
    resourceMetrics: readonly (Owner & {
      scopeMetrics: readonly (Scoped & { metrics: readonly Metric[] })[];
    })[];
  };
  for (const owner of resourceMetrics) {
    for (const scoped of owner.scopeMetrics) {
      const common = {
        ...resourceColumns(owner),
        ...scopeColumns(scoped),
        ScopeDroppedAttrCount: scoped.scope?.droppedAttributesCount ?? 0,
      };
      for (const metric of scoped.metrics) {
        const add = (table: string, data: Data | null, columns: (point: Point) => Row): void => {
          for (const point of data?.dataPoints ?? []) {
            tables[table] ??= [];
            tables[table].push({
              ...common,
              MetricName: metric.name,
              MetricDescription: metric.description,
              MetricUnit: metric.unit,
              Attributes: attributeMap(point.attributes),
              StartTimeUnix: seconds(BigInt(String(point.startTimeUnixNano))),
              TimeUnix: seconds(BigInt(String(point.timeUnixNano))),
              Flags: point.flags,
              ...columns(point),
            });
          }
        };
        const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
        add('otel_metrics_gauge', gauge, (it) => ({ Value: float(numeric(it)), ...exemplars(it) }));
        add('otel_metrics_sum', sum, (it) => ({
          Value: float(numeric(it)),
          AggregationTemporality: sum?.aggregationTemporality,
          IsMonotonic: sum?.isMonotonic,
          ...exemplars(it),
        }));
        add('otel_metrics_histogram', histogram, (it) => ({
          Count: String(it.count),
          Sum: float(it.sum ?? 0),
          BucketCounts: it.bucketCounts.map(String),
          ExplicitBounds: it.explicitBounds.map(float),
          Min: float(it.min ?? 0),
          Max: float(it.max ?? 0),
          AggregationTemporality: histogram?.aggregationTemporality,
          ...exemplars(it),
        }));
        add('otel_metrics_exponential_histogram', exponentialHistogram, (it) => ({
          Count: String(it.count),
          Sum: float(it.sum ?? 0),
          Scale: it.scale,
          ZeroCount: String(it.zeroCount),
          ZeroThreshold: float(it.zeroThreshold),
          PositiveOffset: it.positive?.offset ?? 0,
          PositiveBucketCounts: it.positive?.bucketCounts.map(String) ?? [],
          NegativeOffset: it.negative?.offset ?? 0,
          NegativeBucketCounts: it.negative?.bucketCounts.map(String) ?? [],
          Min: float(it.min ?? 0),
          Max: float(it.max ?? 0),
          AggregationTemporality: exponentialHistogram?.aggregationTemporality,
          ...exemplars(it),
        }));
        add('otel_metrics_summary', summary, (it) => ({
          Count: String(it.count),
          Sum: float(it.sum ?? 0),
          'ValueAtQuantiles.Quantile': it.quantileValues.map((at) => float(at.quantile)),
          'ValueAtQuantiles.Value': it.quantileValues.map((at) => float(at.value)),
        }));
      }
    }
  }
  return tables;
};

/** Rows of `otel_logs` from a decoded LogsRequest. */
export const logRows = (request: object): readonly Row[] => {
  const rows: Row[] = [];
  const { resourceLogs } = request as {
    resourceLogs: readonly (Owner & {
      scopeLogs: readonly (Scoped & { logRecords: readonly LogRecord[] })[];
    })[];
  };
  for (const owner of resourceLogs) {
    for (const scoped of owner.scopeLogs) {
      for (const record of scoped.logRecords) {
        const timeNs = BigInt(String(record.timeUnixNano));
        const observedNs = BigInt(String(record.observedTimeUnixNano));
        rows.push({
          ...resourceColumns(owner),
          ...scopeColumns(scoped),
          Timestamp: seconds(timeNs === 0n ? observedNs : timeNs),
          ObservedTimestamp: seconds(observedNs),
          TraceId: hex(record.traceId),
          SpanId: hex(record.spanId),
          TraceFlags: record.flags & 255,
          SeverityText: record.severityText,
          SeverityNumber: record.severityNumber,
          Body: asString(record.body),
          LogAttributes: attributeMap(record.attributes),
          EventName: record.eventName,
          DroppedAttributesCount: record.droppedAttributesCount,
        });
      }
    }
  }
  return rows;
};

export const jsonEachRow = (rows: readonly Row[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

const resourceColumns = ({ resource, schemaUrl }: Owner): Row => ({
  ServiceName: asString(
    resource?.attributes.find((it) => it.key === 'service.name')?.value ?? null,
  ),
  ResourceAttributes: attributeMap(resource?.attributes ?? []),
  ResourceSchemaUrl: schemaUrl,
});

const scopeColumns = ({ scope, schemaUrl }: Scoped): Row => ({
  ScopeName: scope?.name ?? '',
  ScopeVersion: scope?.version ?? '',
  ScopeAttributes: attributeMap(scope?.attributes ?? []),
  ScopeSchemaUrl: schemaUrl,
});

const exemplars = ({ exemplars: list }: Point): Row => ({
  'Exemplars.FilteredAttributes': list.map((it) => attributeMap(it.filteredAttributes)),
  'Exemplars.TimeUnix': list.map((it) => seconds(BigInt(String(it.timeUnixNano)))),
  'Exemplars.Value': list.map((it) => float(numeric(it))),
  'Exemplars.SpanId': list.map((it) => hex(it.spanId)),
  'Exemplars.TraceId': list.map((it) => hex(it.traceId)),
});

const attributeMap = (attributes: readonly KeyValue[]): Readonly<Record<string, string>> => {
  const map: Record<string, string> = {};
  for (const { key, value } of attributes) map[key] = asString(value);
  return map;
};

const asString = (value: AnyValue | null): string => {
  switch (value?.value) {
    case 'stringValue':
      return value.stringValue;
    case 'boolValue':
      return String(value.boolValue);
    case 'intValue':
      return String(value.intValue);
    case 'doubleValue':
      return Object.is(value.doubleValue, -0) ? '-0' : String(value.doubleValue);
    case 'bytesValue':
      return Buffer.from(value.bytesValue).toString('base64');
    case 'arrayValue':
    case 'kvlistValue':
      return asJson(value);
    case undefined:
    default:
      return '';
  }
};

const asJson = (value: AnyValue | null): string => {
  switch (value?.value) {
    case 'boolValue':
    case 'intValue':
      return asString(value);
    case 'doubleValue':
      return Number.isFinite(value.doubleValue) ? asString(value) : `"${asString(value)}"`;
    case 'arrayValue':
      return `[${value.arrayValue.values.map(asJson).join(',')}]`;
    case 'kvlistValue': {
      const entries = value.kvlistValue.values.toSorted((a, b) => (a.key < b.key ? -1 : 1));
      return `{${entries.map((it) => `${JSON.stringify(it.key)}:${asJson(it.value)}`).join(',')}}`;
    }
    case undefined:
      return 'null';
    default:
      return JSON.stringify(asString(value));
  }
};

const numeric = (it: Pick<Point, 'value' | 'asDouble' | 'asInt'>): number =>
  it.value === 'asDouble' ? it.asDouble : it.value === 'asInt' ? Number(String(it.asInt)) : 0;

/** JSON has no NaN, and JSON.stringify no -0, but ClickHouse reads both quoted. */
const float = (value: number): number | string => {
  if (Object.is(value, -0)) return '-0';
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
};

const hex = (bytes: Uint8Array): string =>
  bytes.every((byte) => byte === 0) ? '' : Buffer.from(bytes).toString('hex');

/** DateTime64 from a number would lose nanoseconds, and ClickHouse reads few digits as a date. */
const seconds = (ns: bigint): string => {
  const fraction = String(ns % 1_000_000_000n).padStart(9, '0');
  if (ns > 10n ** 18n) return `${ns / 1_000_000_000n}.${fraction}`;
  return `${new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19)}.${fraction}Z`;
};

const adjusted = (traceState: string): number => {
  const threshold = /(?:^|,)\s*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?:;|,|$)/.exec(traceState)?.[1];
  if (threshold === undefined) return 1;
  const whole = 1n << 56n;
  return Number(whole) / Number(whole - BigInt(`0x${threshold.padEnd(14, '0')}`));
};
