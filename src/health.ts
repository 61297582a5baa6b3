import type { Backends } from './backends.ts';
import type { Dependencies, DependencyState } from './console/ports.ts';
import { messageOf } from './lib/fault.ts';

export interface HealthParts {
  readonly backends: Backends;
  readonly pingClickHouse: () => Promise<void>;
  readonly pingRedis: () => Promise<void>;
  /** What a person ought to know although ClickHouse is up. */
  readonly diskWarning: () => string | undefined;
  /** Undefined while starting up. */
  readonly startedAtMs: () => number | undefined;
}

/** What the daemon needs to do its work, asked just now; a part that restarts says why. */
export const dependenciesOf = async (parts: HealthParts): Promise<Dependencies> => {
  const { embedded } = parts.backends;
  const [clickhouse, redis] = await Promise.all([
    look(parts.pingClickHouse, embedded.clickhouse, parts.diskWarning),
    look(parts.pingRedis, embedded.redis),
  ]);
  const daemon: DependencyState =
    parts.startedAtMs() === undefined
      ? { state: 'starting', detail: 'preparing the schema and opening ports' }
      : { state: 'up' };
  return { clickhouse, redis, daemon };
};

const look = async (
  ping: () => Promise<void>,
  child: Backends['embedded']['clickhouse'] | Backends['embedded']['redis'],
  warning: () => string | undefined = () => undefined,
): Promise<DependencyState> => {
  const state = child?.state();
  if (state?.kind === 'starting') return { state: 'starting' };
  if (state?.kind === 'restarting') return { state: 'down', detail: state.reason };
  try {
    await ping();
    const detail = warning();
    return { state: 'up', ...(detail !== undefined && { detail }) };
  } catch (error) {
    return { state: 'down', detail: messageOf(error) };
  }
};
