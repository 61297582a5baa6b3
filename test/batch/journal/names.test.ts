import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openRange } from '../../../src/batch/journal/range.ts';
import { recordMagic } from '../../../src/batch/journal/record.ts';
import { segmentHeaderBytes } from '../../../src/batch/journal/segment-header.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { bodiesIn, leftIn, open, put, temporaryDir } from './open-journal.ts';

const segmentName = '000000000001.segment';

/** What version 1 wrote: a batch stored, one cut under the name `cut`, and two requests behind it. */
const version1 = [
  'VE9DU0lOSgoBAAAAAAAAAAAAAAAAAPA/AACAcbYfekLgWJL0u97qs19eFCkE1FleAAAAAAAAAAAAAAAA/eutY1RjSjHR',
  'GwB2AAABAAsAAAABAAAAAgAAAAEAAAAAAAAAAAAAAAAA8D8AAIBxth96QlZtW3esMi3cuibX3ny0KyxvbmUgd2FzIGJh',
  'ZGFUY0oxNjrk1QEAAAAGAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAPA/AAAAAAAA8D8AAAAAAAAAAAAAAAAAAAAAc3Rv',
  'cmVkVGNKMZJajyYAAAEACwAAAAEAAAACAAAAAQAAAAAAAAAAAAAAAAAAQAAAgHG2H3pCwVIQ1NCSDVUaJba6WKkUuG9u',
  'ZSB3YXMgYmFkYlRjSjFMj6X8AAABAAsAAAABAAAAAgAAAAEAAAAAAAAAAAAAAAAACEAAAIBxth96Qg241koE8hLSeiSW',
  'ZkSiActvbmUgd2FzIGJhZGNUY0oxjAw0XgEAAAADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAACEAAAAAA',
  'AAAAAAAAAAAAAAAAY3V0VGNKMeccudQCAAAABgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADwPwAAAAAAAPA/AAAAAAAA',
  'AAAAAAAAAAAAAHN0b3JlZFRjSjFIoK4sAAABAAsAAAABAAAAAgAAAAEAAAAAAAAAAAAAAAAAEEAAAIBxth96Qi0sh5Ip',
  '0kxGWiN0chCTa5FvbmUgd2FzIGJhZGRUY0oxV45xRAAAAQALAAAAAQAAAAIAAAABAAAAAAAAAAAAAAAAABRAAACAcbYf',
  'ekLhxkEM/bJTwToiVK4MmH7ib25lIHdhcyBiYWRl',
].join('');

t.test('what version 1 left is there: marks name its batches, the rest has no name', async (t) => {
  const dir = temporaryDir(t);
  writeFileSync(join(dir, segmentName), Buffer.from(version1, 'base64'));
  const journal = await open(dir);
  t.strictSame(await leftIn(journal), { uncut: ['d', 'e'], cut: { cut: ['b', 'c'] } });
  const kind = { signal: 'traces', encoding: 'json', coding: 'identity' } as const;
  await put(journal, 'f', openRange('traces', 'new'));
  const [run] = journal.leftover('traces').uncut;
  if (run) await journal.cut(run, 'late');
  await journal.close();

  const again = await open(dir, { clock: { ...systemClock, nowMs: () => Date.UTC(2026, 10, 21) } });
  t.strictSame(await leftIn(again), {
    uncut: [],
    cut: { cut: ['b', 'c'], late: ['d', 'e'], new: ['f'] },
  });
  const known = await again.once(kind, Buffer.from('a'), () => Promise.reject(new Error('new')));
  t.match(known, { accepted: 2, rejected: 1, message: 'one was bad' });
  await again.close();
});

t.test('requests keep the name of their batch although nothing else was written', async (t) => {
  const dir = temporaryDir(t);
  const journal = await open(dir);
  const [one, two] = [openRange('traces', 'one'), openRange('traces', 'two')];
  const logs = openRange('logs', 'of logs');
  await Promise.all([put(journal, 'a', one), put(journal, 'x', logs), put(journal, 'b', one)]);
  await Promise.all([put(journal, 'c', two), put(journal, 'd', two)]);
  await journal.settled();
  t.strictSame(await bodiesIn(journal, one), ['a', 'b'], 'readable at once');
  // Killed, as it were.
  const second = await open(dir);
  t.strictSame(await leftIn(second), { uncut: [], cut: { one: ['a', 'b'], two: ['c', 'd'] } });
  t.strictSame(await leftIn(second, 'logs'), { uncut: [], cut: { 'of logs': ['x'] } });
  for (const { range, name } of second.leftover('traces').batches.slice(0, 1)) {
    second.stored(range, name);
  }
  await second.close();
  const third = await open(dir);
  t.strictSame(await leftIn(third), { uncut: [], cut: { two: ['c', 'd'] } });
  await Promise.all([third.close(), journal.close()]);
  await t.rejects(third.settled(), { code: 'ERR_JOURNAL_CLOSED' });
});

t.test('whichever record is damaged, the others keep their batch and its name', async (t) => {
  const dir = temporaryDir(t);
  const journal = await open(dir);
  const ranges = ['one', 'two', 'three'].map((name) => openRange('traces', name));
  for (const range of ranges) {
    for (const n of [1, 2, 3]) await put(journal, `${range.name} ${n}`, range);
  }
  const [one] = ranges;
  if (one) journal.stored(one, 'one');
  await put(journal, 'last', openRange('logs', 'last'));
  await journal.close();
  const whole = readFileSync(join(dir, segmentName));
  const starts: number[] = [];
  for (let at = segmentHeaderBytes; at >= 0; at = whole.indexOf(recordMagic, at + 1)) {
    starts.push(at);
  }
  t.equal(starts.length, 11, 'ten requests and a mark');
  for (const start of starts.slice(0, 10)) {
    const damaged = Buffer.from(whole);
    damaged[start + 40] = (damaged[start + 40] ?? 0) ^ 0x55;
    const other = temporaryDir(t);
    writeFileSync(join(other, segmentName), damaged);
    const again = await open(other);
    const { uncut, cut } = await leftIn(again);
    const names = start === starts[9] ? ['one', 'two', 'three'] : ['two', 'three'];
    const expected = names.map((name) => {
      const bodies = [1, 2, 3].map((n) => `${name} ${n}`);
      return [name, bodies.filter((it) => isElsewhere(whole, start, it))] as const;
    });
    t.strictSame([uncut, cut], [[], Object.fromEntries(expected)], `damage at ${start}`);
    await again.close();
  }
});

/** Whether a body lies elsewhere than in the record that begins there. */
const isElsewhere = (whole: Buffer, start: number, body: string): boolean => {
  const at = whole.indexOf(body);
  return at < start || at > start + 100;
};
