/**
 * The program of the child process that is the embedded ClickHouse (see README.md). It loads the
 * engine's library and runs it on a thread of its own, so this event loop stays free to notice that
 * the parent wants it to stop, or has died: both close our standard input.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { resolveLibchdb } from 'chdb/libchdb';
import { DataType, load, open } from 'ffi-rs';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/fault.ts';
import { openFront } from './engine-front.ts';
import { askEngine } from './engine-http.ts';
import { type EngineOrder, engineExit, isEngineOrder, stopLine, stopSql } from './engine-order.ts';
import { engineNiceness, giveWay } from './give-way.ts';

/**
 * How long the engine may take to stop before it is killed, which its writes survive. An orphan hurries:
 * the next daemon may be waiting for its port and its lock.
 */
const stopMsMax = { asked: 8_000, orphaned: 2_000 } as const;

const main = async (): Promise<number> => {
  // Ctrl-C reaches the whole process group; only the parent decides the order of stopping.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});

  await giveWay(engineNiceness);
  const lines = createInterface({ input: process.stdin });
  const closed = once(lines, 'close');
  const order = await Promise.race([once(lines, 'line').then(parsed), closed]);
  if (!isEngineOrder(order)) {
    process.stderr.write('engine: the first line on standard input is no order to start\n');
    return engineExit.badOrder;
  }

  const closeFront = await openFront(order.front, order.door);
  let stopping = false;
  const stop = (limitMs: number) => {
    if (stopping) return;
    stopping = true;
    closeFront();
    systemClock.after(limitMs, dieAtOnce);
    endQueries(order, AbortSignal.timeout(limitMs)).catch((error: unknown) => {
      process.stderr.write(`engine: cannot be asked to stop: ${messageOf(error)}\n`);
      dieAtOnce();
    });
  };
  process.on('SIGTERM', () => stop(stopMsMax.asked));
  lines.on('line', (line) => {
    if (line === stopLine) stop(stopMsMax.asked);
  });
  void closed.then(() => stop(stopMsMax.orphaned));

  await runEngine(order.args);
  return stopping ? engineExit.stopped : engineExit.failed;
};

const endQueries = async (order: EngineOrder, signal: AbortSignal): Promise<void> => {
  for (const sql of stopSql) await askEngine(order.door, sql, signal);
};

const parsed = ([line]: readonly unknown[]): unknown => {
  try {
    return JSON.parse(String(line));
  } catch {
    return undefined;
  }
};

/** Resolves when the engine has shut down; what it had to say went to standard error. */
const runEngine = async (args: readonly string[]): Promise<void> => {
  open({ library: 'chdb', path: resolveLibchdb().path });
  const argv = ['clickhouse', ...args];
  await load({
    library: 'chdb',
    funcName: 'chdb_query_cmdline',
    // The result is a pointer that we leave alone; declared as External it crashes at exit.
    retType: DataType.U64,
    paramsType: [DataType.I32, DataType.StringArray],
    paramsValue: [argv.length, argv],
    runInNewThread: true,
  });
};

/** No exit handler of the engine may hold up a process that nobody watches any more. */
const dieAtOnce = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

process.exit(await main());
