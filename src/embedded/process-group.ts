import type { ChildProcess } from 'node:child_process';

/** Ends a detached child and everything it has started, at once. */
export const killGroup = (child: ChildProcess): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: the whole group has gone already. EPERM: macOS says so of a group of zombies.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
};

/** Whether a process with this id exists, ours or not. */
export const isProcessAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
};
