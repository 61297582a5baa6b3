import { randomUUID } from 'node:crypto';
import t from 'tap';
import { audited, createAudit } from '../src/audit.ts';
import { systemClock } from '../src/lib/clock.ts';
import { Fault } from '../src/lib/fault.ts';
import { silentLog } from '../src/lib/log.ts';
import type { SetAsideItem } from '../src/model/set-aside.ts';
import { migrate } from '../src/store/migrate.ts';
import { migrateOptions, openStore } from './store/open-store.ts';
import { startClickHouse } from './support/clickhouse.ts';

const item: SetAsideItem = {
  ...{ id: 'aside-1', kind: 'batch', atMs: 0, signal: 'logs', requests: 1, items: 2, bytes: 3 },
  ...{ code: '', reason: 'no', retryable: true, file: 'journal/0/rejected/x.segment' },
};

t.test('what is retried or dropped stands in audit_log with what it was', async (t) => {
  const engine = await startClickHouse(t);
  const store = openStore(t, engine);
  await migrate(store, migrateOptions);
  const audit = createAudit({
    insertRows: store.insertRows,
    newId: randomUUID,
    clock: systemClock,
  });
  let items: readonly SetAsideItem[] = [item];
  const take = async (id: string) => {
    const found = items.some((it) => it.id === id);
    items = items.filter((it) => it.id !== id);
    return found;
  };
  const box = { list: async () => items, retry: async () => true, drop: take };
  const away = async () => {
    throw new Fault('ERR_INSERT_FAILED', 'away', { remedy: 'retry' });
  };
  const unheard = audited({ audit: away, log: silentLog }, box);
  await t.rejects(unheard.drop('aside-1'), { code: 'ERR_INSERT_FAILED' });
  t.equal(items.length, 1, 'nothing is dropped that is not in the books');
  t.equal(await unheard.retry('aside-1'), true, 'but another attempt does not wait for them');

  const ports = audited({ audit, log: silentLog }, box);
  t.equal(await ports.retry('aside-1'), true);
  t.equal(await ports.drop('aside-1'), true);
  t.equal(await ports.drop('aside-1'), false);
  const rows = await store.query<{ Action: string; Before: string }>(
    'SELECT Action, Subject, Before, After, Source, At > now() - 60 AS recent FROM audit_log ORDER BY At, Action DESC',
    { timeoutMs: 20_000 },
  );
  t.strictSame(
    rows.map(({ Before, ...row }) => ({ ...row, before: JSON.parse(Before) })),
    ['dead_letter_retried', 'dead_letter_dropped'].map((Action) => ({
      ...{ Action, Subject: 'aside-1', After: '', Source: 'api', recent: 1 },
      before: item,
    })),
  );
});
