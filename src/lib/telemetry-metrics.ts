import type { Counter, Histogram, ObservableResult } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  DataPointType,
  MeterProvider,
  type MetricData,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { addUp } from './add-up.ts';
import type { Attributes, Meter, MetricOptions, Observation } from './meter.ts';

export interface Metrics {
  readonly meter: Meter;
  /** A sum that somebody else keeps, such as CPU seconds; `observe` as for a gauge. */
  readonly sum: (
    name: `tocsin_${string}`,
    options: MetricOptions,
    observe: () => number | readonly Observation[],
  ) => void;
  readonly prometheusText: () => Promise<string>;
  /** An OTLP ExportMetricsServiceRequest in protobuf, cumulative. */
  readonly otlpBody: () => Promise<Uint8Array>;
}

/** Reads when asked; both pages read the same cumulative sums, so one reader serves them. */
class PulledReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** Instruments on the OpenTelemetry SDK. Values that are no numbers are left out, never summed. */
export const createMetrics = (resource: Attributes): Metrics => {
  const reader = new PulledReader();
  const provider = new MeterProvider({
    resource: resourceFromAttributes(resource),
    readers: [reader],
  });
  const meter = provider.getMeter('tocsin', String(resource['service.version'] ?? ''));
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);

  const gauges = new Map<string, Observe[]>();

  const collect = async (): Promise<ResourceMetrics> => (await reader.collect()).resourceMetrics;

  return {
    meter: {
      counter: (name, options) => counting(meter.createCounter(name, options)),
      histogram: (name, { bounds, ...options }) =>
        recording(
          meter.createHistogram(name, {
            ...options,
            advice: { explicitBucketBoundaries: [...bounds] },
          }),
        ),
      gauge: (name, options, observe) => {
        const observers = gauges.get(name) ?? [];
        observers.push(observe);
        if (observers.length > 1) return;
        gauges.set(name, observers);
        const gauge = meter.createObservableGauge(name, options);
        gauge.addCallback(observing(() => addUp(observers.flatMap(observed))));
      },
    },
    sum: (name, options, observe) => {
      meter.createObservableCounter(name, options).addCallback(observing(observe));
    },
    prometheusText: async () => serializer.serialize(withPrometheusNames(await collect())),
    otlpBody: async () =>
      ProtobufMetricsSerializer.serializeRequest(await collect()) ?? new Uint8Array(0),
  };
};

const counting =
  (counter: Counter) =>
  (add: number, attributes: Attributes = {}): void => {
    if (Number.isFinite(add) && add > 0) counter.add(add, attributes);
  };

const recording =
  (histogram: Histogram) =>
  (value: number, attributes: Attributes = {}): void => {
    if (Number.isFinite(value)) histogram.record(value, attributes);
  };

type Observe = () => number | readonly Observation[];

const observing =
  (observe: Observe) =>
  (result: ObservableResult): void => {
    for (const { value, attributes = {} } of observed(observe)) result.observe(value, attributes);
  };

/** An observer that throws would take the whole page with it; its values are left out instead. */
const observed = (observe: Observe): readonly Observation[] => {
  try {
    const seen = observe();
    const observations = typeof seen === 'number' ? [{ value: seen }] : seen;
    return observations.filter(({ value }) => Number.isFinite(value));
  } catch {
    return [];
  }
};

const suffixes: ReadonlyMap<string, string> = new Map([
  ['s', '_seconds'],
  ['By', '_bytes'],
]);

/** Prometheus wants the unit in the name; the serializer adds only `_total`. */
const withPrometheusNames = (metrics: ResourceMetrics) => {
  const scopeMetrics = metrics.scopeMetrics.map((it) => ({
    ...it,
    metrics: it.metrics.filter((metric) => metric.dataPoints.length > 0).map(withPrometheusName),
  }));
  // The serializer's package brings its own copy of the SDK, whose enums differ in name only.
  const named: unknown = { ...metrics, scopeMetrics };
  return named as Parameters<PrometheusSerializer['serialize']>[0];
};

const withPrometheusName = (metric: MetricData): MetricData => {
  const { name, unit } = metric.descriptor;
  const suffix = suffixes.get(unit) ?? '';
  const full = name.endsWith(suffix) ? name : `${name}${suffix}`;
  const descriptor = { ...metric.descriptor, name: full, unit: '' };
  // The union is spread per member so that the compiler keeps each one's data points.
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return { ...metric, descriptor };
    case DataPointType.GAUGE:
      return { ...metric, descriptor };
    case DataPointType.HISTOGRAM:
      return { ...metric, descriptor };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return { ...metric, descriptor };
  }
};
