import { writeFile } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';

/**
 * How the engine stands to the daemon where both want the same core: about one to three. Acknowledgements
 * take well under a millisecond of it, an insert a tenth of a second of all there is.
 */
export const engineNiceness = 5;

const nicenessMax = 19;

/**
 * Makes this process give way to others: the calling thread and those it will start. Where Linux shares
 * the cores between sessions first (`sched_autogroup_enabled`, sched(7)), niceness counts within a session
 * only and a session has its own. Both are wishes: no failure is worth an engine that does not start.
 */
export const giveWay = async (niceness: number): Promise<void> => {
  try {
    setPriority(Math.min(nicenessMax, getPriority() + niceness));
  } catch {
    // A sandbox may forbid it.
  }
  await writeFile('/proc/self/autogroup', String(niceness)).catch(() => {
    // Not Linux, built without, or changed a moment ago: the kernel takes one change in 0.1 s.
  });
};
