import type { Clock } from '../lib/clock.ts';
import type { Alert } from '../model/alert.ts';
import type { FindSilence, ToldDestination } from '../model/delivery.ts';
import type { Acknowledgement, Suppression } from '../model/suppression.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { Silences } from './silences.ts';
import type { ToldStore } from './told-store.ts';

/** What the notifier knows about one alert. */
export interface AlertView {
  readonly suppressed: readonly Suppression[];
  readonly acknowledged: Acknowledgement | undefined;
  readonly escalationLevel: number;
  /** Whom it was decided to tell, and what. */
  readonly told: readonly Pick<
    ToldDestination,
    'receiver' | 'channelIndex' | 'channel' | 'messages'
  >[];
}

export interface ViewParts {
  readonly told: ToldStore;
  readonly silences: Silences;
  readonly acknowledgements: Acknowledgements;
  readonly findSilence: FindSilence;
  readonly clock: Clock;
}

/** Three reads of Redis, however many alerts are asked for. */
export const createView =
  (parts: ViewParts) =>
  async (
    alerts: readonly Pick<Alert, 'id' | 'labels'>[],
  ): Promise<ReadonlyMap<string, AlertView>> => {
    const [entries, silences, acknowledgements] = await Promise.all([
      parts.told.readMany(alerts.map((it) => it.id)),
      parts.silences.list(),
      parts.acknowledgements.list(),
    ]);
    const nowMs = parts.clock.nowMs();
    const byAlert = new Map(acknowledgements.map((it) => [it.alertId, it]));
    return new Map(
      alerts.map(({ id, labels }, index) => {
        const told = entries[index]?.told;
        const silence = parts.findSilence(silences, labels, nowMs);
        return [
          id,
          {
            suppressed: silence ? [{ kind: 'silenced', by: silence.id }] : [],
            acknowledged: byAlert.get(id) ?? told?.acknowledgement,
            escalationLevel: told?.escalationLevel ?? 0,
            told: (told?.destinations ?? []).map(
              ({ receiver, channelIndex, channel, messages }) => ({
                receiver,
                channelIndex,
                channel,
                messages,
              }),
            ),
          },
        ];
      }),
    );
  };
