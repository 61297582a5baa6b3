import type { Clock } from '../lib/clock.ts';
import { createErrorReport } from '../lib/error-report.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import { defineScript, type Redis } from '../lib/redis.ts';
import type { AlertTransition, OutboxRecord } from '../model/alert.ts';
import { redisKeys } from '../model/keys.ts';
import type { Dispatcher } from './dispatcher.ts';
import { appendRowsLua } from './ledger.ts';
import { alertEventRow } from './ledger-rows.ts';
import type { Silences } from './silences.ts';

const recordsMax = 200;
/** Alerts that are handed over side by side. */
const alertsAtOnce = 16;

/** Whoever takes the record out writes its history, so it is written once. */
const finishScript = defineScript(`
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
${appendRowsLua(2, 2)}
return 1`);

interface Entry {
  readonly streamId: string;
  readonly transition: AlertTransition;
}

export interface RelayOptions {
  readonly redis: Redis;
  readonly dispatcher: Dispatcher;
  readonly silences: Silences;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/**
 * Moves the evaluator's outbox on: each transition becomes what is owed and a row of history, then
 * leaves the stream. Runs in every replica at once; a crash anywhere only means doing it again.
 * Returns a function that empties the outbox once and resolves with how many records are left.
 */
export const createRelay = (options: RelayOptions): (() => Promise<number>) => {
  const { redis, dispatcher, silences, clock, log, meter } = options;
  const report = createErrorReport(log, clock, 'transition_not_relayed');
  let waiting = 0;
  meter.gauge(
    'tocsin_notify_outbox_waiting',
    { description: 'Transitions of alerts that nobody has taken on yet.', unit: '{transition}' },
    () => waiting,
  );
  const countRelayed = meter.counter('tocsin_notify_transitions_relayed', {
    description: 'Transitions of alerts taken out of the outbox, by kind.',
    unit: '{transition}',
  });

  const relayOne = async ({ streamId, transition }: Entry, known: Known): Promise<void> => {
    const { kind, alert } = transition;
    if (kind !== 'pending' && kind !== 'dropped') {
      await dispatcher.advance(alert.id, { alert, silences: known });
    }
    const keys = [redisKeys.outbox, redisKeys.ledger('alert_events')];
    const row = JSON.stringify(alertEventRow(transition));
    if ((await finishScript(redis, keys, [streamId, row])) === 1) countRelayed(1, { kind });
  };

  /** In order; after a failure the rest waits, or an end could overtake its beginning. */
  const relayAlert = async (entries: readonly Entry[], known: Known): Promise<void> => {
    for (const entry of entries) {
      try {
        await relayOne(entry, known);
      } catch (error) {
        report(error, { alert: entry.transition.alert.id, transition: entry.transition.id });
        return;
      }
    }
  };

  const dropUnreadable = async (streamId: string): Promise<void> => {
    log.error('outbox_record_unreadable', { streamId });
    await redis.xdel(redisKeys.outbox, streamId);
  };

  return async () => {
    for (;;) {
      const records = await redis.xrange(redisKeys.outbox, '-', '+', 'COUNT', recordsMax);
      const byAlert = new Map<string, Entry[]>();
      for (const [streamId, fields] of records) {
        const transition = transitionOf(fields);
        if (!transition) {
          await dropUnreadable(streamId);
          continue;
        }
        const entries = byAlert.get(transition.alert.id) ?? [];
        entries.push({ streamId, transition });
        byAlert.set(transition.alert.id, entries);
      }
      const known = byAlert.size > 0 ? await silences.list() : [];
      const groups = [...byAlert.values()];
      for (let from = 0; from < groups.length; from += alertsAtOnce) {
        const side = groups.slice(from, from + alertsAtOnce);
        await Promise.all(side.map((it) => relayAlert(it, known)));
      }
      const before = records.length;
      waiting = await redis.xlen(redisKeys.outbox);
      // A full page that made progress: there may be more. Otherwise the next turn looks again.
      if (before < recordsMax || waiting === 0) return waiting;
      const [first] = await redis.xrange(redisKeys.outbox, '-', '+', 'COUNT', 1);
      if (first?.[0] === records[0]?.[0]) return waiting;
    }
  };
};

type Known = Awaited<ReturnType<Silences['list']>>;

const transitionOf = (fields: readonly string[]): AlertTransition | undefined => {
  const at = fields.indexOf('record');
  try {
    const record = JSON.parse(fields[at + 1] ?? '') as OutboxRecord;
    return record.kind === 'transition' && record.transition.alert.id !== ''
      ? record.transition
      : undefined;
  } catch {
    return undefined;
  }
};
