import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Test } from 'tap';

/** Compares with `test/golden/<name>`; `UPDATE_GOLDEN=1` writes it, for a person to read the diff. */
export const matchGolden = (t: Test, name: string, text: string): void => {
  const file = join(import.meta.dirname, '..', 'golden', name);
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  t.equal(text, existsSync(file) ? readFileSync(file, 'utf8') : undefined, `as in golden/${name}`);
};
