import type { Daemon } from './daemon.ts';

/** All series of a metric on the daemon's page together; undefined while there is none. */
export const metricSum = async (daemon: Daemon, name: string): Promise<number | undefined> => {
  const page = String((await daemon.api('GET', '/metrics')).body);
  const series = page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)`, 'gm'));
  const values = Array.from(series, ([, value]) => Number(value));
  return values.length === 0 ? undefined : values.reduce((sum, it) => sum + it, 0);
};
