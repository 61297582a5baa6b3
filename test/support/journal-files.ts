import {
  closeSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** The segment that the daemon of this directory wrote last, with its size now. */
export const newestSegment = (dir: string): { readonly path: string; readonly bytes: number } => {
  const journals = join(dir, 'data', 'journal');
  const [newest] = readdirSync(journals, { recursive: true, encoding: 'utf8' })
    .filter((it) => /^\d+\/\d+\.segment$/.test(it))
    .map((it) => join(journals, it))
    .map((path) => ({ path, ...sizeAndAge(path) }))
    .toSorted((a, b) => b.writtenMs - a.writtenMs);
  if (!newest) throw new Error('no segment');
  return newest;
};

const sizeAndAge = (path: string) => {
  const { size, mtimeMs } = statSync(path);
  return { bytes: size, writtenMs: mtimeMs };
};

/** Writes behind the end. */
export const appendTo = (path: string, bytes: Uint8Array): void =>
  withFile(path, 'a', (file) => writeSync(file, bytes));

export const cutOff = (path: string, bytes: number): void =>
  withFile(path, 'r+', (file) => ftruncateSync(file, statSync(path).size - bytes));

export const flipByte = (path: string, offset: number): void =>
  withFile(path, 'r+', (file) => {
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, offset);
    writeSync(
      file,
      byte.map((it) => it ^ 0xff),
      0,
      1,
      offset,
    );
  });

const withFile = (path: string, flags: string, act: (file: number) => unknown): void => {
  const file = openSync(path, flags);
  try {
    act(file);
  } finally {
    closeSync(file);
  }
};
