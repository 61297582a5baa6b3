import type { Piece } from './segment-reader.ts';

/**
 * Finds what was written last to a segment. Nobody was told that it is safe, if the machine stopped then,
 * and of a file that is written over any part of it may be missing.
 */
export interface LastWrite {
  /** Takes the next piece and gives those that were written before what may be the last write. */
  readonly behind: (piece: Piece) => readonly Piece[];
  readonly pieces: () => readonly Piece[];
}

export const createLastWrite = (): LastWrite => {
  let held: Piece[] = [];
  /** Before version 3 nobody said where a write begins: then each record is one. */
  let areMarked = false;

  const behind = (piece: Piece): readonly Piece[] => {
    const before = held;
    if (piece.kind === 'damage') {
      held.push(piece);
      return [];
    }
    areMarked ||= piece.head.first;
    const begins = piece.head.first || !areMarked;
    if (!begins) {
      held.push(piece);
      return [];
    }
    held = [piece];
    return before;
  };

  return { behind, pieces: () => held };
};
