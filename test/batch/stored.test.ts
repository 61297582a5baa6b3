import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createBatcher } from '../../src/batch/batcher.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { ColumnBuilder } from '../../src/model/block.ts';
import { createInserter } from '../../src/store/insert.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { spanBlock, type TestSpan } from '../support/native-block.ts';

const startMs = Date.UTC(2026, 10, 21);

/** Takes span ids separated by blanks and makes a real Native block of them. */
const spanIdBuilder = (): ColumnBuilder => {
  let held: TestSpan[] = [];
  return {
    append: (_encoding, body) => {
      const ids = Buffer.from(body).toString().split(' ');
      held.push(...ids.map((id) => ({ traceId: id, spanId: id, service: 'stored', startMs })));
      return { accepted: ids.length, rejected: 0, message: '' };
    },
    rows: () => held.length,
    bytes: () => held.length * 40,
    finish: () => {
      const { name: _, ...block } = spanBlock('', held);
      held = [];
      return [block];
    },
  };
};

t.test('what is acknowledged can be queried, each row once, in few blocks', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);
  const shared = { clock: systemClock, log: silentLog, meter: noopMeter };
  const inserter = createInserter({ store, random: Math.random, ...shared });
  const names: string[] = [];
  const batcher = createBatcher({
    signal: 'traces',
    builder: spanIdBuilder(),
    insert: async (block) => {
      names.push(block.name);
      await inserter.insertBlock(block);
    },
    names: randomUUID,
    ...shared,
  });

  const sender = async (from: string): Promise<void> => {
    for (let request = 0; request < 5; request += 1) {
      const id = `${from}-${request}`;
      await batcher.accept('protobuf', Buffer.from(`${id}-a ${id}-b`));
      const rows = await store.query(
        'SELECT SpanId FROM otel_traces WHERE startsWith(SpanId, {id:String}) ORDER BY SpanId',
        { parameters: { id: `${id}-` }, timeoutMs: 10_000 },
      );
      t.strictSame(rows, [{ SpanId: `${id}-a` }, { SpanId: `${id}-b` }]);
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => sender(`s${index}`)));
  await batcher.drain();
  const [total] = await store.query<{ n: number }>(
    'SELECT toUInt32(count()) AS n FROM otel_traces',
    {
      timeoutMs: 10_000,
    },
  );
  t.equal(total?.n, 200);
  t.ok(names.length < 20, `${names.length} inserts for 100 requests`);
});
