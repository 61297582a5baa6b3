import type { Cancel } from './clock.ts';
import { messageOf } from './fault.ts';
import type { HttpClient } from './http-client.ts';
import type { TelemetryOptions } from './telemetry.ts';
import type { Metrics } from './telemetry-metrics.ts';
import type { Spans } from './telemetry-spans.ts';

/**
 * Marks our own exports. A receiver that makes spans of its requests leaves these out, or the
 * daemon would talk about talking about itself.
 */
export const ownExportHeader = 'x-tocsin-own-telemetry';

const requestTimeoutMs = 5_000;
const stopTimeoutMs = 2_000;
const batchesPerExportMax = 4;

interface Export {
  readonly start: (url?: string, send?: HttpClient) => void;
  readonly stop: () => Promise<void>;
}

/**
 * Sends metrics and finished spans at each interval. Metrics are cumulative, so a failed export
 * loses nothing; spans wait for the next one. Failures are counted and logged once per outage.
 */
export const createExport = (
  options: TelemetryOptions,
  metrics: Metrics,
  spans: Spans,
  tick: () => void,
): Export => {
  const { clock, log, intervalMs } = options;
  const exported = metrics.meter.counter('tocsin_own_telemetry_exported', {
    description: 'Exports of own telemetry by signal and outcome.',
    unit: '{export}',
  });
  const stopping = new AbortController();
  let cancel: Cancel = () => {};
  let running: Promise<void> = Promise.resolve();
  let failing = false;
  let target: string | undefined;
  let { send } = options;

  const post = async (signal: 'metrics' | 'traces', body: Uint8Array, timeoutMs: number) => {
    try {
      const { status } = await send({
        method: 'POST',
        url: `${target}/v1/${signal}`,
        headers: { 'content-type': 'application/x-protobuf', [ownExportHeader]: signal },
        body,
        timeoutMs,
        responseBytesMax: 65_536,
        signal: stopping.signal,
      });
      return settled(signal, status, `answered ${status}`);
    } catch (error) {
      return settled(signal, 0, messageOf(error));
    }
  };

  /** Remembers the outcome; `refused` bytes would be refused again. */
  const settled = (signal: string, status: number, answer: string) => {
    const transient = status === 0 || status === 429 || status >= 500;
    const outcome = status >= 200 && status < 300 ? 'stored' : transient ? 'failed' : 'refused';
    exported(1, { signal, outcome });
    if (outcome === 'stored' && failing) log.info('own_telemetry_export_recovered');
    if (outcome !== 'stored' && !failing && !stopping.signal.aborted) {
      log.warn('own_telemetry_export_failed', { signal, answer });
    }
    failing = outcome !== 'stored';
    return outcome;
  };

  const exportAll = async (timeoutMs: number): Promise<void> => {
    if (target === undefined) return;
    if ((await post('metrics', await metrics.otlpBody(), timeoutMs)) !== 'stored') return;
    for (let batch = 0; batch < batchesPerExportMax; batch += 1) {
      const taken = spans.take();
      if (taken.length === 0) return;
      if ((await post('traces', spans.otlpBody(taken), timeoutMs)) === 'failed') {
        spans.restore(taken);
        return;
      }
    }
  };

  const schedule = (): void => {
    cancel = clock.after(intervalMs, () => {
      tick();
      running = exportAll(requestTimeoutMs)
        .catch((error: unknown) => log.error('own_telemetry_export_broken', { error }))
        .then(() => (stopping.signal.aborted ? undefined : schedule()));
    });
  };

  const finish = async (): Promise<void> => {
    cancel();
    const expire = clock.after(stopTimeoutMs, () => stopping.abort());
    await running;
    cancel();
    if (!failing) await exportAll(stopTimeoutMs);
    expire();
    stopping.abort();
    target = undefined;
  };
  let finished: Promise<void> | undefined;

  return {
    start: (url, another = options.send) => {
      if (finished) return;
      send = another;
      target = url?.replace(/\/+$/, '');
      schedule();
    },
    stop: () => (finished ??= finish()),
  };
};
