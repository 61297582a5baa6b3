import { spawn } from 'node:child_process';
import t, { type Test } from 'tap';
import type { SupervisedPart, SupervisorLimits } from '../../src/embedded/supervised.ts';
import { supervise } from '../../src/embedded/supervisor.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import type { Log, LogFields } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

const limits: SupervisorLimits = {
  startMsMax: 2_000,
  probeEveryMs: 20,
  probeMsMax: 500,
  probeFailuresMax: 2,
  stopMsMax: 300,
  backoff: { firstMs: 10, maxMs: 20 },
};

const obedient = 'read line';
const stubborn = 'trap "" TERM; while :; do sleep 10 & wait; done';
const failing = 'echo cannot start >&2; exit 7';

/** Children from a list of shell scripts, one for each life; the last serves for all that follow. */
const start = async (t: Test, scripts: readonly string[], change: Partial<SupervisedPart> = {}) => {
  const events: string[] = [];
  const lines: LogFields[] = [];
  const note = (event: string, fields: LogFields = {}) => {
    events.push(event);
    lines.push({ event, ...fields });
  };
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  let lives = 0;
  const part: SupervisedPart = {
    name: 'part',
    spawn: () => {
      const script = scripts[Math.min(lives, scripts.length - 1)] ?? '';
      lives += 1;
      return spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    },
    // A failing script is never healthy: it ends before or while it is asked.
    probe: async () => {
      if (scripts[Math.min(lives, scripts.length) - 1] === failing) {
        throw new Fault('ERR_TEST', 'not there', { remedy: 'retry' });
      }
    },
    askToStop: (child) => {
      child.stdin?.end();
    },
    explain: () => undefined,
    ...change,
  };
  const tools = { clock: systemClock, log, meter: noopMeter, random: () => 0.5 };
  const supervised = await supervise(part, limits, tools);
  t.teardown(supervised.stop);
  return { supervised, events, lines };
};

t.test('a child that ends is started again until it holds', async (t) => {
  const { supervised, events } = await start(t, [obedient, failing, failing, obedient]);
  const pid = supervised.pid() ?? 0;
  process.kill(pid, 'SIGKILL');
  await until(() => supervised.state().kind === 'restarting');
  await until(() => supervised.state().kind === 'running');
  t.equal(supervised.restartCount(), 3);
  t.not(supervised.pid(), pid);
  t.equal(events.filter((it) => it === 'embedded_part_start_failed').length, 2);
});

t.test('a first start that fails is the fault of the part, with what the child said', async (t) => {
  await t.rejects(start(t, [failing]), {
    code: 'ERR_CHILD_START',
    message: 'part ended with exit code 7: cannot start',
  });
  const explain = (output: string) => new Fault('ERR_TEST', `why: ${output}`, { remedy: 'reject' });
  await t.rejects(start(t, [failing], { explain }), { message: 'why: cannot start' });
});

t.test('a program that does not exist is a fault too', async (t) => {
  const missing = () => spawn('/nowhere/at/all', [], { stdio: 'pipe', detached: true });
  const probe = () => Promise.reject(new Fault('ERR_TEST', 'not there', { remedy: 'retry' }));
  await t.rejects(start(t, [], { spawn: missing, probe }), {
    code: 'ERR_CHILD_START',
    message: /ENOENT/,
  });
});

t.test('a child that does not stop when asked is killed with all it has started', async (t) => {
  const { supervised } = await start(t, [stubborn], { askToStop: () => {} });
  const pid = supervised.pid() ?? 0;
  await Promise.all([supervised.stop(), supervised.stop()]);
  t.notOk(isAlive(pid));
  t.same(supervised.state(), { kind: 'stopped' });
  t.equal(supervised.pid(), undefined);
});

t.test('stopping while a restart is due does not start another child', async (t) => {
  const { supervised } = await start(t, [obedient, failing]);
  process.kill(supervised.pid() ?? 0, 'SIGKILL');
  await until(() => supervised.state().kind === 'restarting');
  await supervised.stop();
  t.same(supervised.state(), { kind: 'stopped' });
});

t.test('a child that talks without end fills the log only so far', async (t) => {
  const talk = 'i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); done; read line';
  const { lines } = await start(t, [talk]);
  await until(() => lines.filter((it) => it['event'] === 'embedded_output').length >= 50);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(lines.filter((it) => it['event'] === 'embedded_output').length, 50);
});
