import type { Clock } from './clock.ts';
import type { HttpClient } from './http-client.ts';
import type { Log } from './log.ts';
import type { Meter } from './meter.ts';
import { createExport } from './telemetry-export.ts';
import { createMetrics } from './telemetry-metrics.ts';
import { observeProcess } from './telemetry-process.ts';
import { createSpans } from './telemetry-spans.ts';
import type { Tracer } from './tracer.ts';

export interface TelemetryOptions {
  readonly serviceName: string;
  readonly version: string;
  readonly instanceId: string;
  /** Between two exports. */
  readonly intervalMs: number;
  /** The share of traces that is recorded, from 0 to 1. */
  readonly traceRatio: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly send: HttpClient;
}

export interface Telemetry {
  /** Instruments may be made before `start` and after `stop`. */
  readonly meter: Meter;
  readonly tracer: Tracer;
  /** Everything measured, in Prometheus' text format 0.0.4. */
  readonly prometheusText: () => Promise<string>;
  /**
   * Begins to send to the OTLP/HTTP receiver at this base URL, by another client if one is given;
   * without a URL nothing is sent. Its address is often known only after ports are open, which is
   * why it comes late.
   */
  readonly start: (exportUrl?: string, send?: HttpClient) => void;
  /** Sends what is held, at most for two seconds, and ends. Safe twice and without start. */
  readonly stop: () => Promise<void>;
}

/** The daemon's own metrics and traces: one set of instruments for `/metrics` and for OTLP. */
export const createTelemetry = (options: TelemetryOptions): Telemetry => {
  const resource = {
    'service.name': options.serviceName,
    'service.version': options.version,
    'service.instance.id': options.instanceId,
  };
  const metrics = createMetrics(resource);
  const spans = createSpans(resource, options.traceRatio, metrics.meter);
  const { tick, close } = observeProcess(metrics, options.version);
  const exporting = createExport(options, metrics, spans, tick);
  return {
    meter: metrics.meter,
    tracer: spans.tracer,
    prometheusText: metrics.prometheusText,
    start: exporting.start,
    stop: async () => {
      await exporting.stop();
      close();
    },
  };
};
