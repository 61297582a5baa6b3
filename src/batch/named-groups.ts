import type { Block, NamedBlock } from '../model/block.ts';

/** The blocks of one batch, which needs more than one group only if limits changed since. */
export const namedGroups = (
  groups: readonly (readonly Block[])[],
  name: string,
): readonly NamedBlock[] =>
  groups.flatMap((blocks, index) =>
    blocks.map((it) => ({ ...it, name: index === 0 ? name : `${name}.${index}` })),
  );
