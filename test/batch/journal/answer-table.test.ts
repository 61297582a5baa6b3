import { createHash } from 'node:crypto';
import t from 'tap';
import { createAnswerTable } from '../../../src/batch/journal/answer-table.ts';
import { hashBytes } from '../../../src/batch/journal/content-hash.ts';

const hashOf = (text: string): Buffer =>
  createHash('sha256').update(text).digest().subarray(0, hashBytes);
const plain = (accepted: number) => ({ accepted, rejected: 0, message: '' });

t.test('as many answers as there is room for are known, and no others', async (t) => {
  const table = createAnswerTable(5_000);
  for (let n = 0; n < 5_000; n += 1) table.put(hashOf(`${n}`), plain(n));
  t.equal(table.size(), 5_000);
  const wrong = Array.from({ length: 5_000 }, (_, n) => n).filter(
    (n) => table.get(hashOf(`${n}`))?.accepted !== n,
  );
  t.strictSame(wrong, []);
  const invented = Array.from({ length: 5_000 }, (_, n) => table.get(hashOf(`other ${n}`)));
  t.ok(invented.every((it) => it === undefined));
});

t.test(
  'an answer that says more is given back whole, until another one takes its place',
  async (t) => {
    const table = createAnswerTable(10);
    const hash = hashOf('it');
    const answers = [
      { accepted: 2, rejected: 1, message: 'a span without an id' },
      { accepted: 2, rejected: 0, message: 'a warning' },
      { ...plain(3), sampledOut: 1 },
      plain(0),
      { accepted: 0xffff_fffe, rejected: 0, message: '' },
      plain(512),
    ];
    for (const answer of answers) {
      table.put(hash, answer);
      t.strictSame(table.get(hash), answer);
      t.equal(table.size(), 1);
    }
  },
);

t.test('hashes that begin alike are told apart, also at the end of the table', async (t) => {
  const table = createAnswerTable(10);
  const alike = Array.from({ length: 10 }, (_, n) => {
    const hash = Buffer.alloc(hashBytes, 0xff);
    hash[hashBytes - 1] = n;
    return hash;
  });
  for (const [n, hash] of alike.entries()) table.put(hash, plain(n));
  t.strictSame(
    alike.map((it) => table.get(it)?.accepted),
    alike.map((_, n) => n),
  );
});

t.test('nothing is known of what was cleared', async (t) => {
  const table = createAnswerTable(10);
  table.put(hashOf('plain'), plain(1));
  table.put(hashOf('odd'), { ...plain(1), message: 'a warning' });
  table.clear();
  t.equal(table.size(), 0);
  t.equal(table.get(hashOf('plain')), undefined);
  t.equal(table.get(hashOf('odd')), undefined);
});
