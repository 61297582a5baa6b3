import { join } from 'node:path';
import t from 'tap';
import { openRange } from '../../src/batch/journal/range.ts';
import { Fault } from '../../src/lib/fault.ts';
import { open, put } from '../batch/journal/open-journal.ts';
import { traceIdOf, traceRequest } from '../batch/journal/requests.ts';
import { runTool } from '../support/cli.ts';
import { daemonDir, startDaemon } from '../support/daemon.ts';

/** Leaves a batch of spans behind, as a daemon does to whom ClickHouse always said no. */
const setAside = async (dir: string, name: string): Promise<void> => {
  const journal = await open(join(dir, 'data', 'journal', '0'));
  const range = openRange('traces', name);
  for (const n of [1, 2]) await put(journal, traceRequest(`${name} ${n}`), range);
  const reason = new Fault('ERR_INSERT_REFUSED', 'TYPE_MISMATCH', { remedy: 'reject' });
  await journal.setAside(range, name, reason);
  await journal.close();
};

t.test('what could not be stored is put back, or dropped, by a command', async (t) => {
  const dir = daemonDir(t, { 'tocsin.yaml': 'telemetry: {export: off}\n' });
  await setAside(dir, 'wanted');
  await setAside(dir, 'unwanted');
  const daemon = await startDaemon(t, dir);
  const run = (...words: readonly string[]) =>
    runTool(['dead-letters', ...words, '--url', `http://${daemon.listen.console}`]);

  const listed = JSON.parse((await run('list', '--json')).stdout) as {
    readonly set_aside: readonly { readonly id: string; readonly file: string }[];
  };
  t.match(
    listed.set_aside.map((it) => it.file),
    ['journal/0/rejected/unwanted.segment', 'journal/0/rejected/wanted.segment'],
    'newest first',
  );
  const [unwanted, wanted] = listed.set_aside.map((it) => it.id);
  t.match(await run('retry', wanted ?? ''), { code: 0, stdout: `${wanted}\n` });
  t.match(await run('drop', unwanted ?? ''), { code: 0, stdout: `${unwanted}\n` });
  t.strictSame(JSON.parse((await run('list', '--json')).stdout), {
    dead_letters: [],
    set_aside: [],
  });

  const ids = ['wanted 1', 'wanted 2'].map(traceIdOf).toSorted();
  t.equal(
    await daemon.sql('SELECT TraceId FROM otel.otel_traces ORDER BY TraceId'),
    ids.join('\n'),
  );
  t.equal(
    await daemon.sql('SELECT Action, Subject FROM otel.audit_log ORDER BY At'),
    `dead_letter_retried\t${wanted}\ndead_letter_dropped\t${unwanted}`,
  );
});
