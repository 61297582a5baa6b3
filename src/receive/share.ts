/** Something that all senders share, and one of them who wants more of it. */
export interface ShareState {
  readonly max: number;
  /** By all senders together. */
  readonly held: number;
  /** By this sender, in this request and in others. */
  readonly own: number;
  /** Whether this sender has other requests under way. */
  readonly hasOthers: boolean;
  /** Senders with a request under way, this one included. */
  readonly senders: number;
}

/** `over-share`: there is room, but not for more of this one. */
export type ShareDecision = 'take' | 'full' | 'over-share';

/** Of the whole; the last part is for senders who hold little. */
const reservedShare = 0.25;

/**
 * Max-min fairness: nobody is asked for less while there is plenty; beyond, whoever holds more than
 * an equal share (one more counted, who may come just then) is turned away first. The only request
 * of a sender is never too much, so that none is turned away for ever.
 */
export const decideShare = (state: ShareState, wanted: number): ShareDecision => {
  const { max, held, own, hasOthers, senders } = state;
  const after = held + wanted;
  if (after > max) return 'full';
  if (!hasOthers || after <= max - Math.floor(max * reservedShare)) return 'take';
  if (own + wanted <= max / (senders + 1)) return 'take';
  return senders > 1 ? 'over-share' : 'full';
};
