import t from 'tap';
import { decodeBench } from '../../bench/decode.ts';

t.test(
  'the decode bench runs, does the same work each time and is faster than naive',
  async (t) => {
    const hashes = (lines: readonly string[]) =>
      lines.slice(1).map((line) => line.split('hash ')[1]);
    const first = await decodeBench.run(true);
    const second = await decodeBench.run(true);
    t.match(first[0], /^machine: \d+ × .*, node v\d+/);
    t.equal(first.length, 5);
    t.strictSame(hashes(first), hashes(second));
    for (const line of first.slice(1)) {
      t.ok(Number(/([\d.]+)×/.exec(line)?.[1]) > 1.5, line);
    }
  },
);
