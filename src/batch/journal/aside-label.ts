import { join } from 'node:path';
import { z } from '../../lib/document.ts';

/**
 * What is written beside each file that was set aside, as JSON. A file of an earlier version has
 * fewer of these.
 */
const label = z.object({
  kind: z.enum(['batch', 'request', 'damage']).default('batch'),
  /** Under which it is stored once. */
  name: z.string().optional(),
  signal: z.enum(['traces', 'metrics', 'logs']).optional(),
  atMs: z.number().optional(),
  requests: z.int().optional(),
  items: z.int().optional(),
  /** Blocks that were not stored; all of them when left out. */
  missing: z.array(z.object({ name: z.string(), table: z.string() })).optional(),
  /** Bytes that cannot be trusted, by their place. */
  damages: z.array(z.object({ offset: z.number(), bytes: z.number() })).optional(),
  code: z.string().default(''),
  message: z.string().default(''),
});

export type AsideLabel = z.input<typeof label>;
export type ReadLabel = z.output<typeof label>;

/** Which of the two folders: what could not be stored, or segments with damage as they were found. */
export type AsideFolder = 'rejected' | 'damaged';
export const asideFolders: readonly AsideFolder[] = ['rejected', 'damaged'];

export const asideSuffix = '.segment';
export const asidePath = (dir: string, folder: AsideFolder, name: string): string =>
  join(dir, folder, `${name}${asideSuffix}`);
export const labelPath = (path: string): string => `${path}.json`;

/** What can be understood of it: without a label a file is still listed. */
export const readLabel = (text: string | undefined): ReadLabel => {
  try {
    return label.parse(JSON.parse(text ?? '{}'));
  } catch {
    return label.parse({});
  }
};
