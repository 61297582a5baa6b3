import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { followOutput } from '../../src/embedded/child-output.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';

const scheduling =
  '2026.01.05 10:19:25.275015 [ 29157 ] {} <Warning> BackgroundSchedulePool/BgStrmSchPool: Temporarily pause scheduling of tasks with id 127, example log_name=BackgroundJobsAssignee:Streaming';

// biome-ignore format: one line of output per line.
const table: readonly (readonly [level: 'debug' | 'warn' | 'nothing', line: string])[] = [
  ['debug',   '291:C 21 Nov 2026 10:19:09.636 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo'],
  ['debug',   '291:C 21 Nov 2026 10:19:09.636 # oO0OoO0OoO0Oo Valkey is starting oO0OoO0OoO0Oo'],
  ['debug',   '291:C 21 Nov 2026 10:19:09.637 # Redis version=7.0.15, bits=64, commit=00000000, modified=0, pid=291, just started'],
  ['debug',   '291:C 21 Nov 2026 10:19:09.637 # Configuration loaded'],
  ['debug',   '291:M 21 Nov 2026 10:19:09.638 # Server initialized'],
  ['debug',   '291:M 21 Nov 2026 10:19:09.638 # WARNING Memory overcommit must be enabled! Without it, a background save may fail'],
  ['debug',   scheduling],
  ['warn',    '291:M 21 Nov 2026 10:19:09.638 # Bad file format reading the append only file: make a backup'],
  ['warn',    '2026.01.05 10:19:25.275015 [ 29157 ] {} <Error> MergeTreeBackgroundExecutor: Code: 243. NOT_ENOUGH_SPACE'],
  ['warn',    'something that nobody has seen before'],
  ['nothing', '12. ? @ 0x00000000deadbeef'],
];

for (const [level, line] of table) {
  t.test(`${level} is what becomes of: ${line.slice(0, 90)}`, async (t) => {
    const said: string[] = [];
    const say = (as: string) => (_event: string, fields?: object) =>
      void said.push(`${as} ${JSON.stringify(fields)}`);
    const log = { ...silentLog, debug: say('debug'), warn: say('warn') };
    const child = spawn('cat', { stdio: 'pipe' });
    const { tail } = followOutput(child, systemClock, log, () => false);
    child.stdin.end(`${line}\n`);
    await once(child, 'close');
    t.strictSame(said, level === 'nothing' ? [] : [`${level} ${JSON.stringify({ text: line })}`]);
    t.equal(tail(), level === 'nothing' ? '' : line, 'the reason of a failed start has it all');
  });
}
