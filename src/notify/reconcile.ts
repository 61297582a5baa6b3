import type { Clock } from '../lib/clock.ts';
import { createErrorReport } from '../lib/error-report.ts';
import { messageOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Alert } from '../model/alert.ts';
import type { Silence } from '../model/suppression.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { DeadLetterBox } from './dead-letters.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Silences } from './silences.ts';
import type { ToldEntry, ToldStore } from './told-store.ts';

/** What was told of an alert is remembered for so long after its end, for late repetitions. */
const toldKeptMs = 2 * 3_600_000;

export interface ReconcileOptions {
  readonly told: ToldStore;
  readonly dispatcher: Dispatcher;
  readonly silences: Silences;
  readonly acknowledgements: Acknowledgements;
  readonly deadLetters: DeadLetterBox;
  /** The evaluator's firing alerts. */
  readonly readAlerts: () => Promise<readonly Alert[]>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Compares what is with what was told: firing alerts nobody was told of, silences that ended, due
 * escalations whose timer was lost, messages owed but in no queue. Resolves with the milliseconds
 * until a silence starts or ends, if that is known.
 */
export const createReconcile = (options: ReconcileOptions): (() => Promise<number | void>) => {
  const { told, dispatcher, silences, acknowledgements, clock, log } = options;
  const report = createErrorReport(log, clock, 'alert_not_reconciled');

  const readLive = async (): Promise<ReadonlyMap<string, Alert>> => {
    try {
      const alerts = await options.readAlerts();
      return new Map(alerts.filter((it) => it.phase === 'firing').map((it) => [it.id, it]));
    } catch (error) {
      log.warn('live_alerts_unknown', { error: messageOf(error) });
      return new Map();
    }
  };

  return async () => {
    const known = await silences.list();
    const acks = new Map((await acknowledgements.list()).map((it) => [it.alertId, it]));
    const live = await readLive();
    const seen = new Set<string>();
    const over: string[] = [];

    const one = async (entry: ToldEntry): Promise<void> => {
      seen.add(entry.alertId);
      try {
        if (isOver(entry, clock.nowMs())) {
          if (await told.commit(entry, undefined, [])) over.push(entry.alertId);
          return;
        }
        const { alertId } = entry;
        await dispatcher.reconcile(entry, live.get(alertId), known, acks.get(alertId));
      } catch (error) {
        report(error, { alert: entry.alertId });
      }
    };

    for await (const page of told.all()) {
      for (const entry of page) if (!seen.has(entry.alertId)) await one(entry);
    }
    for (const id of live.keys()) {
      if (!seen.has(id)) await one({ alertId: id, text: '', told: undefined });
    }
    await acknowledgements.remove(over.filter((id) => acks.has(id)));
    await silences.sweep();
    await options.deadLetters.measure();
    return untilChange(known, clock.nowMs());
  };
};

const isOver = ({ told }: ToldEntry, nowMs: number): boolean =>
  told?.resolvedAtMs !== undefined &&
  told.owed.length === 0 &&
  told.resolvedAtMs + toldKeptMs < nowMs;

const untilChange = (silences: readonly Silence[], nowMs: number): number | undefined => {
  const changes = silences
    .flatMap((it) => [it.startsAtMs, it.endsAtMs])
    .filter((atMs) => atMs > nowMs);
  return changes.length > 0 ? Math.min(...changes) - nowMs + 1 : undefined;
};
