import type { FrontListen } from './engine-front.ts';
import type { EngineDoor } from './engine-http.ts';

/** What the parent writes to the engine's standard input, as one line of JSON. Secrets travel only here. */
export interface EngineOrder {
  /** The command line of clickhouse-local. */
  readonly args: readonly string[];
  /** Where the engine listens, and as whom it can be asked to stop. */
  readonly door: EngineDoor;
  /** Where everybody else finds it. */
  readonly front: FrontListen;
}

/** The second line the parent may write. Its input ending without it means that the parent has died. */
export const stopLine = 'stop';

/** Exit codes of the engine's process. */
export const engineExit = { stopped: 0, badOrder: 64, failed: 70 } as const;

/** The query the engine lives on: when it ends, ClickHouse shuts down. */
export const lifeQuery =
  'SELECT sleepEachRow(0.2) FROM system.numbers SETTINGS max_block_size=1, max_threads=1 FORMAT Null';

/**
 * What ends an engine, in order: the queries of people, for whose connections it would wait, then the
 * life query.
 */
export const stopSql: readonly string[] = [
  "KILL QUERY WHERE query NOT LIKE 'SELECT sleepEachRow(0.2) FROM system.numbers%' AND query NOT LIKE 'KILL%' ASYNC",
  "KILL QUERY WHERE query LIKE 'SELECT sleepEachRow(0.2) FROM system.numbers%' ASYNC",
];

export const isEngineOrder = (value: unknown): value is EngineOrder =>
  typeof value === 'object' &&
  value !== null &&
  'args' in value &&
  'door' in value &&
  'front' in value;
