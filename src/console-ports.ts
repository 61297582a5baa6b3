import { type Audit, audited } from './audit.ts';
import type {
  AlertView,
  ConsolePorts,
  Dependencies,
  ReloadOutcome,
  StatusView,
} from './console/ports.ts';
import { matchesAll } from './decide/matcher.ts';
import type { Evaluator } from './evaluate/run/evaluator.ts';
import { Fault } from './lib/fault.ts';
import type { Log } from './lib/log.ts';
import type { Alert } from './model/alert.ts';
import type { Alerting } from './model/alerting.ts';
import type { SetAside } from './model/set-aside.ts';
import type { History } from './notify/history.ts';
import type { Notifier } from './notify/notifier.ts';

export interface ConsoleParts {
  readonly evaluator: Evaluator;
  readonly notifier: Notifier;
  readonly history: History;
  readonly slaReports: ConsolePorts['slaReports'];
  readonly alerting: () => Alerting;
  /** Undefined where no telemetry is taken. */
  readonly setAside: SetAside | undefined;
  readonly audit: Audit;
  readonly log: Log;
  readonly status: () => StatusView;
  readonly dependencies: () => Promise<Dependencies>;
  readonly metricsText: () => Promise<string>;
  readonly reload: () => Promise<ReloadOutcome>;
}

/** Answers the console's questions from the parts that know. */
export const consolePorts = (parts: ConsoleParts): ConsolePorts => {
  const { evaluator, notifier, history, alerting } = parts;
  return {
    status: parts.status,
    dependencies: parts.dependencies,
    metricsText: parts.metricsText,
    reload: parts.reload,
    alerts: {
      list: async () => withViews(await evaluator.alerts(), notifier),
      changes: history.changes,
      acknowledge: (alertId, by) => unlessUnknown(notifier.acknowledge(alertId, by)),
      acknowledgements: notifier.acknowledgements,
      match: matchesAll,
    },
    silences: {
      add: notifier.silences.add,
      list: notifier.silences.list,
      expire: async (id) => (await unlessUnknown(notifier.silences.expire(id))) !== undefined,
    },
    messages: history.messages,
    slaReports: parts.slaReports,
    rules: async () =>
      (await evaluator.ruleHealth()).map(({ groupId, rule, evaluated }) => ({
        id: rule.id,
        group: groupId,
        name: rule.alertName,
        ...healthOf(evaluated),
      })),
    receivers: {
      list: () =>
        alerting().receivers.map(({ name, channels }) => ({
          name,
          channels: channels.map((it) => it.type),
        })),
      test: (name) => unlessUnknown(notifier.sendTest(name)),
    },
    deadLetters: audited(parts, {
      list: async () =>
        (await notifier.deadLetters.list()).map((it) => {
          const { notification, channel } = it.delivery;
          return {
            id: notification.id,
            atMs: it.atMs,
            receiver: notification.receiver,
            channel,
            alertId: notification.alert.id,
            labels: notification.alert.labels,
            reason: it.reason,
            answer: it.answer,
            attempts: it.attempts,
          };
        }),
      retry: async (id) => (await notifier.deadLetters.retry([id])) > 0,
      drop: async (id) => (await notifier.deadLetters.drop([id])) > 0,
    }),
    setAside: audited(parts, parts.setAside ?? nothingAside),
  };
};

const nothingAside: SetAside = {
  list: async () => [],
  retry: async () => false,
  drop: async () => false,
};

const withViews = async (
  alerts: readonly Alert[],
  notifier: Notifier,
): Promise<readonly AlertView[]> => {
  const views = await notifier.view(alerts);
  return alerts.map((alert) => {
    const view = views.get(alert.id);
    return {
      ...alert,
      suppressed: view?.suppressed ?? [],
      escalationLevel: view?.escalationLevel ?? 0,
      ...(view?.acknowledged && { acknowledged: view.acknowledged }),
    };
  });
};

type Evaluated = Awaited<ReturnType<Evaluator['ruleHealth']>>[number]['evaluated'];

const healthOf = (evaluated: Evaluated) => {
  if (!evaluated) return { health: 'unknown' as const };
  return {
    health: evaluated.error === undefined ? ('ok' as const) : ('error' as const),
    lastEvaluatedAtMs: evaluated.atMs,
    lastDurationMs: evaluated.durationMs,
    ...(evaluated.error !== undefined && { lastError: evaluated.error }),
  };
};

/** The console answers 404 for what is not there; here that is a Fault with a code that ends so. */
const unlessUnknown = async <T>(asked: Promise<T>): Promise<T | undefined> => {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Fault && error.code.endsWith('_UNKNOWN')) return undefined;
    throw error;
  }
};
