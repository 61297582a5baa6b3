import t from 'tap';
import { freeBytes } from '../../src/lib/free-bytes.ts';

t.test('large bytes are given back, whoever else looks at them', async (t) => {
  const bytes = Buffer.allocUnsafeSlow(20_000);
  const part = bytes.subarray(10, 20);
  const before = process.memoryUsage().arrayBuffers;
  freeBytes(part);
  t.equal(bytes.length, 0);
  t.equal(part.length, 0);
  t.ok(before - process.memoryUsage().arrayBuffers >= 20_000, 'without a collection');
  freeBytes(part);
});

t.test('small bytes stay, as others may have some of the same pool', async (t) => {
  const bytes = Buffer.from('small');
  freeBytes(bytes);
  t.equal(bytes.toString(), 'small');
});
