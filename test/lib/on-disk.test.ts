import t from 'tap';
import { Fault } from '../../src/lib/fault.ts';
import { onDisk } from '../../src/lib/on-disk.ts';

const errno = (code: string): Error =>
  Object.assign(new Error(`${code}: as the system says`), { code });
const fault = new Fault('ERR_OTHER', 'told already', { remedy: 'retry' });

t.test('what a disk refuses is told with its place and a remedy', async (t) => {
  const cases: readonly (readonly [Error, string, RegExp])[] = [
    [errno('ENOSPC'), 'ERR_DATA_DIR_FULL', /disk of \/data \(ENOSPC.*make room.*data_dir/],
    [errno('EDQUOT'), 'ERR_DATA_DIR_FULL', /give this user more/],
    [errno('EROFS'), 'ERR_DATA_DIR_READ_ONLY', /write to \/data .*mount it for writing/],
    [errno('EACCES'), 'ERR_DATA_DIR_READ_ONLY', /give it to the user/],
    [errno('EIO'), 'ERR_DATA_DIR_UNUSABLE', /cannot use \/data \(EIO.*set data_dir/],
    [fault, 'ERR_OTHER', /told already/],
  ];
  for (const [error, code, message] of cases) {
    await t.rejects(
      onDisk('/data', () => Promise.reject(error)),
      { name: 'Fault', code, message },
    );
  }
  const bug = new TypeError('a bug');
  await t.rejects(
    onDisk('/data', () => Promise.reject(bug)),
    bug,
  );
  t.equal(await onDisk('/data', async () => 7), 7);
});
