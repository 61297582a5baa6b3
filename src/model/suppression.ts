import type { Matcher } from './matcher.ts';

export interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly by: string;
  readonly comment: string;
  readonly updatedAtMs: number;
}

export interface Acknowledgement {
  readonly alertId: string;
  readonly by: string;
  readonly atMs: number;
}

export type SuppressionKind = 'silenced' | 'inhibited' | 'muted' | 'flapping' | 'upstream';

/** Why an alert tells nobody just now. `by` names the silence, the rule or the alert that holds it. */
export interface Suppression {
  readonly kind: SuppressionKind;
  readonly by: string;
}
