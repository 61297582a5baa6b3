import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second for every program, whatever the kernel was built with. */
const microsPerTick = 10_000;

/** User and system time of another process and all its threads, µs. */
export const cpuMicrosOf = (pid: number): number => {
  if (process.platform === 'linux') {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * microsPerTick;
  }
  // [[days-]hours:]minutes:seconds.hundredths
  const time = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' });
  const seconds = time
    .trim()
    .split(/[-:]/)
    .reduce((sum, part) => sum * 60 + Number(part), 0);
  return seconds * 1e6;
};

/** Resident memory of another process, MiB. */
export const residentMiB = (pid: number): number => {
  const kib = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return Number(kib.trim()) / 1024;
};
