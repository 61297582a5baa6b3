import t from 'tap';
import { createRejectBook, type RejectBookLimits } from '../src/ingest/reject-book.ts';
import { Fault } from '../src/lib/fault.ts';
import { silentLog } from '../src/lib/log.ts';
import { noopMeter } from '../src/lib/meter.ts';
import type { Reject } from '../src/model/rejects.ts';
import { manualClock } from './support/clock.ts';

type Row = Readonly<Record<string, unknown>>;

const reject: Reject = {
  unit: 'item',
  count: 1,
  signal: 'traces',
  encoding: 'json',
  transport: 'http',
  peer: '192.0.2.1',
  key: '',
  serviceName: 'shop',
  code: 'ERR_SPAN_TRACE_ID',
  reason: 'a trace id that is all zero',
  sample: 'name="GET /"',
  requestBytes: 120,
};

/** A book over a store that answers as told, and what was sent there. */
const openBook = (limits: Partial<RejectBookLimits> = {}) => {
  const clock = manualClock(1_760_000_000_123);
  const pages: {
    readonly token: string;
    readonly rows: readonly Row[];
    readonly sentBefore: boolean | undefined;
  }[] = [];
  const lost: number[] = [];
  let failure: Error | undefined;
  const book = createRejectBook({
    insertRows: async (table, rows, token, sentBefore) => {
      t.equal(table, 'otlp_rejects');
      pages.push({ token, rows, sentBefore });
      if (failure) throw failure;
    },
    instanceId: 'me',
    limits,
    clock,
    log: silentLog,
    meter: { ...noopMeter, counter: () => (it) => void lost.push(it) },
  });
  return { ...book, clock, pages, lost, failWith: (it?: Error) => void (failure = it) };
};

const away = new Fault('ERR_QUERY_FAILED', 'away', { remedy: 'retry' });
const sum = (rows: readonly Row[] = []) => rows.reduce((it, row) => it + Number(row['Count']), 0);

t.test('what is alike within 10 s is one row, with the time and sample of the first', async (t) => {
  const { report, clock, pages } = openBook();
  report({ ...reject, count: 3 });
  await clock.advance(5_000);
  report({ ...reject, count: 4, sample: 'another', requestBytes: 9 });
  await clock.advance(4_999);
  t.strictSame(pages, [], 'nothing is sent before');
  await clock.advance(1);
  t.strictSame(pages, [
    {
      token: 'me-rejects-1',
      sentBefore: false,
      rows: [
        {
          At: '1760000000.123',
          Signal: 'traces',
          Transport: 'http',
          Encoding: 'json',
          Peer: '192.0.2.1',
          KeyName: '',
          ServiceName: 'shop',
          Unit: 'item',
          ReasonCode: 'ERR_SPAN_TRACE_ID',
          Reason: 'a trace id that is all zero',
          Count: 7,
          Sample: 'name="GET /"',
          RequestBytes: 120,
        },
      ],
    },
  ]);
  await clock.advance(60_000);
  t.equal(pages.length, 1, 'and nothing when there is nothing');
});

t.test('who, what and why are told apart', async (t) => {
  const { report, stop, pages } = openBook();
  const differing: readonly Partial<Reject>[] = [
    {},
    { unit: 'request' },
    { signal: 'logs' },
    { encoding: 'protobuf' },
    { transport: 'grpc' },
    { peer: '192.0.2.2' },
    { key: 'shop' },
    { serviceName: 'cart' },
    { code: 'ERR_SPAN_SPAN_ID' },
  ];
  for (const it of differing) report({ ...reject, ...it });
  for (const it of differing) report({ ...reject, ...it, reason: 'other words', sample: 'other' });
  await stop();
  t.equal(pages[0]?.rows.length, differing.length);
  t.ok(pages[0]?.rows.every((it) => it['Count'] === 2));
});

t.test('more kinds than the limit are kept without names, and none is lost', async (t) => {
  const { report, stop, pages } = openBook({ kindsMax: 10 });
  for (let index = 0; index < 1_000; index += 1) report({ ...reject, peer: `p${index}` });
  report({ ...reject, peer: 'p3' });
  report({ ...reject, peer: 'p999', code: 'ERR_ITEM_TIME' });
  await stop();
  const rows = pages[0]?.rows ?? [];
  t.equal(rows.length, 12);
  t.equal(sum(rows), 1_002);
  t.match(rows.at(-2), { Peer: '(others)', ServiceName: '', Count: 990 });
  t.match(rows.at(-1), { Peer: '(others)', ReasonCode: 'ERR_ITEM_TIME', Count: 1 });
});

t.test('a page that was not stored is sent again as it was, under its token', async (t) => {
  const { report, clock, pages, failWith } = openBook();
  failWith(away);
  report({ ...reject, count: 2 });
  await clock.advance(10_000);
  report({ ...reject, count: 5 });
  await clock.advance(25_000);
  failWith();
  await clock.advance(20_000);
  t.ok(pages.length >= 4);
  const last = pages.at(-1);
  t.match(last, { token: 'me-rejects-2', rows: [{ Count: 5 }], sentBefore: false });
  for (const [index, page] of pages.slice(0, -1).entries()) {
    t.match(page, { token: 'me-rejects-1', rows: [{ Count: 2 }], sentBefore: index > 0 });
  }
});

t.test('a page that ClickHouse will never take is counted as lost', async (t) => {
  const { report, clock, pages, lost, failWith } = openBook();
  failWith(new Fault('ERR_QUERY_REFUSED', 'no such table', { remedy: 'reject' }));
  report(reject);
  report({ ...reject, serviceName: 'cart' });
  await clock.advance(10_000);
  t.strictSame(lost, [2]);
  failWith();
  report(reject);
  await clock.advance(10_000);
  t.match(pages, [{ token: 'me-rejects-1' }, { token: 'me-rejects-2' }]);
});

t.test('stop stores what is noted, the page that failed and what came after it', async (t) => {
  const { report, clock, stop, pages, failWith } = openBook();
  failWith(away);
  report(reject);
  await clock.advance(10_000);
  report({ ...reject, count: 2 });
  failWith();
  await stop();
  await stop();
  t.match(pages, [{ token: 'me-rejects-1' }, { token: 'me-rejects-1' }, { token: 'me-rejects-2' }]);
});

t.test('stop does not wait for a store that never answers', async (t) => {
  const clock = manualClock();
  const { report, stop } = createRejectBook({
    insertRows: () => new Promise(() => {}),
    instanceId: 'me',
    clock,
    log: silentLog,
    meter: noopMeter,
  });
  report(reject);
  let stopped = false;
  const stopping = stop().then(() => (stopped = true));
  await clock.advance(2_999);
  t.notOk(stopped);
  await clock.advance(1);
  await stopping;
  t.ok(stopped);
});
