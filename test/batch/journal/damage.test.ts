import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openRange } from '../../../src/batch/journal/range.ts';
import { markHead, plainSeal, sealed } from '../../../src/batch/journal/record.ts';
import { segmentHeaderBytes } from '../../../src/batch/journal/segment-header.ts';
import { seededRandom } from '../../support/random.ts';
import { countingMeter, leftIn, notingLog, open, put, temporaryDir } from './open-journal.ts';

const segmentName = '000000000001.segment';

/** A closed journal of one segment with these bodies, as a template to be damaged. */
const written = async (t: Test, bodies: readonly string[]): Promise<Buffer> => {
  const dir = temporaryDir(t);
  const journal = await open(dir);
  const range = openRange('traces');
  for (const body of bodies) await put(journal, body, range);
  await journal.close();
  return readFileSync(join(dir, segmentName));
};

/** What a journal makes of these segments. */
const read = async (t: Test, ...segments: readonly Buffer[]) => {
  const dir = temporaryDir(t);
  for (const [index, bytes] of segments.entries()) {
    writeFileSync(join(dir, `${index + 1}`.padStart(12, '0').concat('.segment')), bytes);
  }
  const notes = notingLog();
  const { meter, of } = countingMeter();
  const journal = await open(dir, { log: notes.log, meter });
  const { uncut } = await leftIn(journal);
  await put(journal, 'new');
  await journal.close();
  const again = await open(dir);
  const later = (await leftIn(again)).uncut;
  await again.close();
  return { dir, uncut, later, notes, of };
};

/** Every record takes as much as the next: a head of 64 bytes and the body. */
const bodies = ['first', 'again', 'third', 'final'];
const recordBytes = 64 + 5;

t.test('cut off at any byte of the last record, the others are there', async (t) => {
  const whole = await written(t, bodies);
  t.equal(whole.length, segmentHeaderBytes + 4 * recordBytes);
  for (let missing = 1; missing <= recordBytes; missing += 1) {
    const { uncut, later, notes, of } = await read(t, whole.subarray(0, whole.length - missing));
    const expected = bodies.slice(0, 3);
    if (String(uncut) !== String(expected)) t.strictSame(uncut, expected, `${missing} missing`);
    if (String(later) !== String([...expected, 'new'])) t.strictSame(later, [...expected, 'new']);
    const torn = missing === recordBytes ? 0 : 1;
    if (notes.count('journal_tail_torn') !== torn) t.fail(`told of ${missing} missing bytes`);
    const tornBytes = torn === 0 ? 0 : recordBytes - missing;
    if (of('tocsin_journal_bytes_torn') !== tornBytes) t.fail(`counted with ${missing} missing`);
    if (notes.count('journal_damaged') + of('tocsin_journal_bytes_damaged') > 0) {
      t.fail('a torn tail is no loss');
    }
  }
});

t.test('a tail of zeros or of half a body is torn too', async (t) => {
  const whole = await written(t, bodies);
  const zeros = Buffer.concat([whole, Buffer.alloc(5_000)]);
  t.strictSame((await read(t, zeros)).uncut, bodies);
  const half = Buffer.from(whole).fill(0, whole.length - 3);
  const { uncut, notes } = await read(t, half);
  t.strictSame(uncut, bodies.slice(0, 3));
  t.equal(notes.count('journal_tail_torn'), 1);
});

t.test('a segment that was just begun, or is empty, is nothing', async (t) => {
  const whole = await written(t, bodies);
  for (const bytes of [0, 1, segmentHeaderBytes - 1, segmentHeaderBytes]) {
    const begun = whole.subarray(0, bytes);
    const { uncut, later, of } = await read(t, whole, begun);
    t.strictSame([uncut, later], [bodies, [...bodies, 'new']], `${bytes} bytes`);
    t.equal(of('tocsin_journal_bytes_damaged'), 0);
  }
});

t.test(
  'any changed byte loses at most its own record, is told, and the file is kept',
  async (t) => {
    const whole = await written(t, bodies);
    // A segment behind it, so that the end of the first is no torn tail.
    const behind = await written(t, ['other']);
    const seconds = (await read(t, whole, behind)).uncut;
    t.strictSame(seconds, bodies, 'of another journal: not to be trusted');

    for (let at = segmentHeaderBytes; at < whole.length; at += 4) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x41;
      const { dir, uncut, notes, of } = await read(
        t,
        damaged,
        whole.subarray(0, segmentHeaderBytes),
      );
      const record = Math.floor((at - segmentHeaderBytes) / recordBytes);
      const expected = bodies.filter((_, index) => index !== record);
      if (String(uncut) !== String(expected)) t.strictSame(uncut, expected, `byte ${at}`);
      if (notes.count('journal_damaged') !== 1) t.fail(`byte ${at} is told once`);
      if (of('tocsin_journal_bytes_damaged') < recordBytes) t.fail(`byte ${at} is counted`);
      if (!existsSync(join(dir, 'damaged', segmentName))) t.fail(`byte ${at} keeps the file`);
      const place = notes.lines.find((it) => it.event === 'journal_damaged')?.fields;
      if (place?.['offset'] !== segmentHeaderBytes + record * recordBytes) {
        t.strictSame(place, 'its place', `byte ${at}`);
      }
    }
  },
);

t.test('a changed body counts as a lost request', async (t) => {
  const whole = await written(t, bodies);
  whole[segmentHeaderBytes + 2 * recordBytes - 1] = 0;
  const { uncut, of, notes } = await read(t, whole);
  t.strictSame(uncut, ['first', 'third', 'final']);
  t.equal(of('tocsin_journal_requests_lost'), 1);
  t.equal(notes.count('journal_requests_lost'), 1);
});

t.test('a damaged header of a segment harms none of its records', async (t) => {
  const whole = await written(t, bodies);
  const damaged = Buffer.from(whole);
  damaged[20] = 0xff;
  const { uncut, notes } = await read(t, damaged, whole.subarray(0, segmentHeaderBytes));
  t.strictSame(uncut, bodies, 'the secret stands in the next one too');
  t.equal(notes.count('journal_damaged'), 1);
});

t.test('random holes lose what they hit and nothing else', async (t) => {
  const random = seededRandom(11);
  const many = Array.from({ length: 200 }, (_, n) =>
    `${n}`.padStart(1 + Math.floor(random() ** 3 * 20_000), 'x'),
  );
  const whole = await written(t, many);
  const starts = many.reduce<readonly number[]>(
    (all, it) => [...all, (all.at(-1) ?? 0) + 64 + it.length],
    [segmentHeaderBytes],
  );
  for (let round = 0; round < 20; round += 1) {
    const damaged = Buffer.from(whole);
    const from = segmentHeaderBytes + Math.floor(random() * (whole.length - segmentHeaderBytes));
    const to = Math.min(whole.length, from + 1 + Math.floor(random() * 30_000));
    for (let at = from; at < to; at += 1) damaged[at] = Math.floor(random() * 256);
    const { uncut } = await read(t, damaged, whole.subarray(0, segmentHeaderBytes));
    const expected = many.filter((_, n) => (starts[n + 1] ?? 0) <= from || (starts[n] ?? 0) >= to);
    t.strictSame(uncut.length, expected.length, `${from} to ${to}`);
    t.ok(uncut.every((it, n) => it === expected[n]));
  }
});

t.test('a body that contains records is not mistaken for some', async (t) => {
  const forged = sealed(
    plainSeal(Buffer.alloc(16)),
    markHead({ kind: 'stored', signal: 'traces', name: 'all of it', firstSeq: 0, lastSeq: 1_000 }),
  );
  const dir = temporaryDir(t);
  const journal = await open(dir);
  for (const body of ['before', Buffer.concat([forged, forged]), 'behind'])
    await put(journal, body);
  await journal.close();
  const damaged = readFileSync(join(dir, segmentName));
  const at = damaged.indexOf('all of it') - 64 - 10;
  damaged[at] = (damaged[at] ?? 0) ^ 1;
  t.strictSame((await read(t, damaged)).uncut, ['before', 'behind']);
});

t.test('what was written behind a failed write does not count', async (t) => {
  const dir = temporaryDir(t);
  const first = await open(dir);
  for (const body of bodies) await put(first, body);
  await first.close();
  // The second run begins a segment, whose header says where the first one ended.
  const second = await open(dir);
  await put(second, 'new');
  await second.close();
  const path = join(dir, segmentName);
  const whole = readFileSync(path);
  writeFileSync(path, Buffer.concat([whole, whole.subarray(segmentHeaderBytes)]));
  const third = await open(dir);
  t.strictSame((await leftIn(third)).uncut, [...bodies, 'new']);
  await third.close();
});

t.test('damaged files are kept up to a limit, beyond which the log alone tells', async (t) => {
  const dir = temporaryDir(t);
  const whole = await written(t, ['x'.repeat(1_000)]);
  const damaged = Buffer.from(whole);
  damaged[segmentHeaderBytes + 8] = 0xff;
  for (let id = 1; id <= 5; id += 1) {
    writeFileSync(join(dir, `00000000000${id}.segment`), damaged);
  }
  writeFileSync(join(dir, '000000000006.segment'), whole);
  const { log, count } = notingLog();
  const { meter, of } = countingMeter();
  const journal = await open(dir, { log, meter, limits: { damagedBytesMax: 3_000 } });
  await journal.close();
  t.strictSame(
    readdirSync(join(dir, 'damaged')).filter((it) => it.endsWith('.segment')),
    ['000000000001.segment', '000000000002.segment'],
    'the first explain more than the last',
  );
  t.equal(count('journal_not_quarantined'), 3);
  t.equal(of('tocsin_journal_aside_refused'), 3);
});

t.test('a segment that somebody removed is told as lost, and the rest goes on', async (t) => {
  const dir = temporaryDir(t);
  const { log, count } = notingLog();
  const { meter, of } = countingMeter();
  const journal = await open(dir, { log, meter, limits: { segmentBytesMax: 300 } });
  const range = openRange('traces');
  for (const body of ['a', 'b', 'c']) await put(journal, body.repeat(250), range);
  copyFileSync(join(dir, '000000000002.segment'), join(dir, 'elsewhere'));
  truncateSync(join(dir, '000000000002.segment'), 80);
  const found: string[] = [];
  for await (const { body } of journal.read(range)) found.push(body.toString().slice(0, 1));
  t.strictSame(found, ['a', 'c']);
  t.equal(of('tocsin_journal_requests_lost'), 1);
  t.equal(count('journal_requests_lost'), 1);
  await journal.close();
});
