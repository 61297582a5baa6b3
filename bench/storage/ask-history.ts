import { setTimeout as sleep } from 'node:timers/promises';
import { machineLine } from '../measure.ts';
import { type SchemaEngine, withSchemaEngine } from './engine.ts';
import { dropSpanViewsBut, type History, insertDay } from './history.ts';
import { comparePercentiles } from './percentiles.ts';
import { findTraces, letLookupsAge } from './trace-by-id.ts';

/** 102 million spans in 30 days, merged as far as ClickHouse does by itself, and what is asked of them. */
export const askHistory = (quick: boolean, print: (line: string) => void): Promise<void> =>
  withSchemaEngine(async (engine) => {
    const history: History = {
      days: quick ? 8 : 30,
      spansPerDay: quick ? 8_000 : 3_400_000,
      spansPerTrace: 8,
      services: 50,
    };
    print(machineLine());
    await dropSpanViewsBut(engine, ['span_rollup_1m_mv', 'otel_traces_trace_id_ts_mv']);
    await engine.rows('SYSTEM START MERGES');
    const since = performance.now();
    for (let day = 0; day < history.days; day += 1) await insertDay(engine, history, day);
    const spans = (history.days * history.spansPerDay) / 1e6;
    print(`${spans} M spans made in ${((performance.now() - since) / 1000).toFixed(0)} s`);
    await letLookupsAge(engine);
    await mergesAtRest(engine);
    print('\nrequired | aim | measured');
    await findTraces(engine, history, quick ? 3 : 50, print);
    await comparePercentiles(engine, history, quick ? 1 : 7, print);
  });

/** A history is not merged while somebody asks; given up when ClickHouse does not come to an end. */
const restMsMax = 240_000;

const mergesAtRest = async (engine: SchemaEngine): Promise<void> => {
  const end = performance.now() + restMsMax;
  for (let quiet = 0; quiet < 5 && performance.now() < end; ) {
    const [running] = await engine.rows<{ n: number }>(
      'SELECT toUInt32(count()) AS n FROM system.merges',
    );
    quiet = running?.n === 0 ? quiet + 1 : 0;
    await sleep(1_000);
  }
};
