import { createSetAside, type SetAsideBox } from '../batch/set-aside.ts';
import { createColumnBuilder } from '../decode/builder.ts';
import type { InsertBlock } from '../model/block.ts';
import { decompressAgain } from './open.ts';
import { type IngestStartOptions, journalsFolder, withPlainSalt } from './start.ts';

export interface OpenSetAsideOptions
  extends Pick<
    IngestStartOptions,
    'dataDir' | 'redact' | 'sample' | 'clock' | 'random' | 'log' | 'meter'
  > {
  readonly insert: InsertBlock;
}

/**
 * What the journals of this daemon set aside. In the main thread: it is rarely asked for, and must
 * not wait for a worker that has trouble.
 */
export const openSetAside = (options: OpenSetAsideOptions): SetAsideBox => {
  const rules = { redact: options.redact.map(withPlainSalt), sample: options.sample };
  return createSetAside({
    ...options,
    journals: journalsFolder,
    decompress: decompressAgain,
    createBuilder: (signal) =>
      createColumnBuilder(signal, { nowMs: options.clock.nowMs, ...rules }),
  });
};
