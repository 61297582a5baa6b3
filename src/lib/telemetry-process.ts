import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import type { Metrics } from './telemetry-metrics.ts';

/** Nanoseconds to seconds. */
const perSecond = 1e9;

export interface ProcessWatch {
  /** Begins a new window for the event loop's delays. */
  readonly tick: () => void;
  readonly close: () => void;
}

/** What every process should say about itself: its build, CPU, memory, event loop and handles. */
export const observeProcess = ({ meter, sum }: Metrics, version: string): ProcessWatch => {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  let lastDelays = [{ value: 0, attributes: { quantile: '1' } }];

  meter.gauge('tocsin_build_info', { description: 'Always 1.', unit: '1' }, () => [
    { value: 1, attributes: { version, node: process.version } },
  ]);
  sum('tocsin_process_cpu_time', { description: 'CPU time of this process.', unit: 's' }, () => {
    const { user, system } = process.cpuUsage();
    return [
      { value: user / 1e6, attributes: { mode: 'user' } },
      { value: system / 1e6, attributes: { mode: 'system' } },
    ];
  });
  meter.gauge(
    'tocsin_process_resident_memory',
    { description: 'Memory of this process that is in RAM.', unit: 'By' },
    () => process.memoryUsage.rss(),
  );
  meter.gauge(
    'tocsin_process_heap_used',
    { description: 'Memory that JavaScript objects of this process take.', unit: 'By' },
    () => process.memoryUsage().heapUsed,
  );
  meter.gauge(
    'tocsin_process_uptime',
    { description: 'Since this process began.', unit: 's' },
    () => process.uptime(),
  );
  meter.gauge(
    'tocsin_process_active_resources',
    { description: 'Sockets, timers and files that keep this process busy.', unit: '{resource}' },
    () => process.getActiveResourcesInfo().length,
  );
  meter.gauge(
    'tocsin_process_event_loop_delay',
    { description: 'How late timers ran in the last export interval.', unit: 's' },
    () => lastDelays,
  );

  return {
    tick: () => {
      lastDelays = [
        { value: delay.percentile(50) / perSecond, attributes: { quantile: '0.5' } },
        { value: delay.percentile(99) / perSecond, attributes: { quantile: '0.99' } },
        { value: delay.max / perSecond, attributes: { quantile: '1' } },
      ];
      delay.reset();
    },
    close: () => delay.disable(),
  };
};
