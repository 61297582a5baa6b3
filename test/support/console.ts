import type { Test } from 'tap';
import type {
  AlertChangeView,
  AlertView,
  ConsolePorts,
  DeadLetterView,
  Dependencies,
  ReloadOutcome,
  RuleView,
  SentMessageView,
} from '../../src/console/ports.ts';
import { type ConsoleOptions, createConsoleServer } from '../../src/console/server.ts';
import { matchesAll } from '../../src/decide/matcher.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import type { SetAsideItem } from '../../src/model/set-aside.ts';
import type { SlaReport } from '../../src/model/sla-report.ts';
import type { Acknowledgement, Silence } from '../../src/model/suppression.ts';

/** What stands behind a console: the daemon's state as plain lists that a test may change. */
export interface Backend {
  alerts: AlertView[];
  changes: (AlertChangeView & { readonly alertId: string })[];
  messages: SentMessageView[];
  rules: RuleView[];
  silences: Silence[];
  acknowledgements: Acknowledgement[];
  deadLetters: DeadLetterView[];
  setAside: SetAsideItem[];
  slaReport: SlaReport | undefined;
  dependencies: () => Promise<Dependencies>;
  reload: () => Promise<ReloadOutcome>;
  metrics: string;
}

export const alertView = (view: Partial<AlertView> = {}): AlertView => ({
  id: 'f00d-1',
  fingerprint: 'f00d',
  ruleId: 'shop.yaml/checkout/Slow',
  labels: { alertname: 'Slow', service_name: 'checkout', severity: 'critical' },
  annotations: { summary: 'p99 is 800 ms' },
  phase: 'firing',
  activeAtMs: Date.UTC(2026, 0, 5, 9, 0),
  firedAtMs: Date.UTC(2026, 0, 5, 9, 2),
  values: { p99: 0.8 },
  units: { p99: 's' },
  suppressed: [],
  escalationLevel: 0,
  ...view,
});

export const memoryBackend = (): Backend => ({
  alerts: [],
  changes: [],
  messages: [],
  rules: [{ id: 'r1', group: 'g', name: 'Slow', health: 'error', lastError: 'no table' }],
  silences: [],
  acknowledgements: [],
  deadLetters: [],
  setAside: [],
  slaReport: undefined,
  dependencies: async () => ({ clickhouse: { state: 'up' }, redis: { state: 'up' } }),
  reload: async () => ({ ok: true, warnings: [] }),
  metrics: '# TYPE tocsin_build_info gauge\ntocsin_build_info 1\n',
});

const portsOf = (backend: Backend): ConsolePorts => {
  const dropLetter = async (id: string) => {
    const before = backend.deadLetters.length;
    backend.deadLetters = backend.deadLetters.filter((it) => it.id !== id);
    return backend.deadLetters.length < before;
  };
  const dropAside = async (id: string) => {
    const before = backend.setAside.length;
    backend.setAside = backend.setAside.filter((it) => it.id !== id);
    return backend.setAside.length < before;
  };
  return {
    status: () => ({
      version: '1.2.3',
      instance: 'here-1',
      roles: ['ingest', 'console'],
      listen: { otlp_http: '127.0.0.1:4318' },
      startedAtMs: Date.UTC(2026, 0, 5),
    }),
    dependencies: () => backend.dependencies(),
    metricsText: async () => backend.metrics,
    reload: () => backend.reload(),
    alerts: {
      list: async () => backend.alerts,
      changes: async (alertId) => backend.changes.filter((it) => it.alertId === alertId),
      acknowledge: async (alertId, by) => {
        if (!backend.alerts.some((it) => it.id === alertId)) return undefined;
        const taken = { alertId, by, atMs: Date.UTC(2026, 0, 5, 10) };
        backend.acknowledgements.push(taken);
        return taken;
      },
      acknowledgements: async () => backend.acknowledgements,
      match: matchesAll,
    },
    silences: {
      add: async (draft) => {
        const id = `s${backend.silences.length + 1}`;
        const added = { ...draft, id, updatedAtMs: draft.startsAtMs };
        backend.silences.push(added);
        return added;
      },
      list: async () => backend.silences,
      expire: async (id) => {
        const found = backend.silences.some((it) => it.id === id);
        backend.silences = backend.silences.filter((it) => it.id !== id);
        return found;
      },
    },
    messages: async ({ alertId, limit }) =>
      backend.messages
        .filter((it) => alertId === undefined || it.alertId === alertId)
        .slice(0, limit),
    rules: async () => backend.rules,
    slaReports: async ({ sla, month, soFar }) => {
      const { slaReport: found } = backend;
      if (!soFar && month === '2026-11') {
        throw new Fault('ERR_SLA_MONTH_OPEN', '2026-11 is not over', { remedy: 'reject' });
      }
      return found?.sla === sla ? found : undefined;
    },
    receivers: {
      list: () => [{ name: 'ops', channels: ['email', 'slack'] }],
      test: async (name) =>
        name === 'ops'
          ? [
              {
                channel: 'email',
                channelIndex: 0,
                outcome: { kind: 'delivered', answer: '250 queued' },
              },
              {
                channel: 'slack',
                channelIndex: 1,
                outcome: { kind: 'refused', reason: 'channel_not_found', answer: '{"ok":false}' },
              },
            ]
          : undefined,
    },
    deadLetters: {
      list: async () => backend.deadLetters,
      retry: dropLetter,
      drop: dropLetter,
    },
    setAside: {
      list: async () => backend.setAside,
      retry: async (id) => {
        const refused = backend.setAside.find((it) => it.id === id && !it.retryable);
        if (!refused) return dropAside(id);
        throw new Fault('ERR_SET_ASIDE_UNREADABLE', `nothing in ${refused.file} can be stored`, {
          remedy: 'reject',
        });
      },
      drop: dropAside,
    },
  };
};

/** The real server on a free port of loopback. */
export const startConsole = async (
  t: Pick<Test, 'teardown'>,
  backend: Backend,
  options: Partial<ConsoleOptions> = {},
): Promise<string> => {
  const server = createConsoleServer(portsOf(backend), {
    listen: { host: '127.0.0.1', port: 0 },
    version: '1.2.3',
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
    ...options,
  });
  const { port } = await server.start();
  t.teardown(server.stop);
  return `http://127.0.0.1:${port}`;
};
