import { type Path, type Problem, readDocument, z } from '../lib/document.ts';
import type { Alerting, EscalationPolicy } from '../model/alerting.ts';
import { globalUnapplied } from './alerting-channel-schema.ts';
import { receiverOf } from './alerting-channels.ts';
import { usedOf } from './alerting-fields.ts';
import { rootRouteOf } from './alerting-routes.ts';
import { type AlertingDocument, alertingSchema, type PolicySection } from './alerting-schema.ts';
import { defined } from './defined.ts';
import { byPlace, createNotices, type Notices } from './notices.ts';
import { createSecretReader, type ReadFile } from './secrets.ts';
import { type Environment, substituteFrom } from './substitute.ts';
import { withoutEmpty } from './without-empty.ts';

export interface AlertingSource {
  /** Absent: every alert goes to the daemon's log. */
  readonly file?: { readonly path: string; readonly text: string };
  readonly environment: Environment;
  /** Reads the files that `x_file` keys name. */
  readonly readFile: ReadFile;
  /** Where links in messages point, without a slash at the end. */
  readonly externalUrl: string;
}

export type AlertingReading =
  | {
      readonly ok: true;
      readonly alerting: Alerting;
      /** What the file asks for and Tocsin does not do yet. */
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads alerting.yaml, an Alertmanager configuration with Tocsin's keys, and reports every problem. */
export const loadAlerting = (source: AlertingSource): AlertingReading => {
  const { file, environment, readFile, externalUrl } = source;
  if (!file) return { ok: true, alerting: { ...logOnly, externalUrl }, warnings: [] };
  const schema = z.preprocess(withoutEmpty, alertingSchema);
  const reading = readDocument(file.path, file.text, schema, {
    substitute: substituteFrom(environment),
  });
  if (!reading.ok) return { ok: false, problems: reading.problems.toSorted(byPlace) };
  const notices = createNotices(reading.problemAt);
  const secrets = createSecretReader(file.path, reading.problemAt, readFile);
  const document = reading.value;
  warnTop(document, notices);
  const receivers = namesOf(document.receivers, 'receivers', notices);
  const timeIntervals = new Set([
    ...namesOf(document.time_intervals, 'time_intervals', notices),
    ...namesOf(document.mute_time_intervals, 'mute_time_intervals', notices),
  ]);
  const building = { global: document.global, secrets, notices };
  const alerting: Alerting = defined({
    route: rootRouteOf(document.route, { receivers, timeIntervals }, notices),
    receivers: document.receivers.map((it, i) => receiverOf(it, ['receivers', i], building)),
    escalationPolicies: policiesOf(document, receivers, notices),
    fallbackReceiver: document.fallback_receiver,
    timeIntervals: new Map(
      [...document.time_intervals, ...document.mute_time_intervals].map((it) => [
        it.name,
        it.time_intervals,
      ]),
    ),
    externalUrl,
  });
  if (document.fallback_receiver !== undefined) {
    needReceiver(document.fallback_receiver, ['fallback_receiver'], receivers, notices);
  }
  const problems = [...secrets.problems(), ...notices.problems()].toSorted(byPlace);
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, alerting, warnings: notices.warnings() };
};

const logOnly = {
  route: { receiver: 'log', matchers: [], continue: false, routes: [] },
  receivers: [
    { name: 'log', channels: [{ type: 'log', sendResolved: true, sendAcknowledged: true }] },
  ],
  escalationPolicies: [],
} as const;

const notApplied: Readonly<Record<string, string>> = {
  inhibit_rules: 'not applied yet: nothing is inhibited',
  templates: 'not applied yet: messages are worded by Tocsin',
  tracing: 'not applied: see telemetry in tocsin.yaml',
  event_recorder: 'not applied: alert_events and notification_log have what happened',
  people: 'not used yet',
  schedules: 'not used yet: nobody is on call by schedule',
  suppression: 'not applied yet: only silences hold alerts back',
};

const warnTop = (document: AlertingDocument, notices: Notices): void => {
  for (const key of usedOf(document, Object.keys(notApplied))) {
    notices.warn([key], notApplied[key] ?? 'not applied yet');
  }
  for (const key of usedOf(document.global, globalUnapplied)) {
    notices.warn(['global', key], 'not applied yet');
  }
};

/** The names of a list of named things, each of which must be there once. */
const namesOf = (
  list: readonly { readonly name: string }[],
  key: string,
  notices: Notices,
): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const [index, { name }] of list.entries()) {
    if (names.has(name)) notices.refuse([key, index, 'name'], `${name} is there twice`);
    names.add(name);
  }
  return names;
};

const policiesOf = (
  document: AlertingDocument,
  receivers: ReadonlySet<string>,
  notices: Notices,
): readonly EscalationPolicy[] => {
  namesOf(document.escalation_policies, 'escalation_policies', notices);
  return document.escalation_policies.map((policy, index) =>
    policyOf(policy, ['escalation_policies', index], receivers, notices),
  );
};

const policyOf = (
  section: PolicySection,
  path: Path,
  receivers: ReadonlySet<string>,
  notices: Notices,
): EscalationPolicy => ({
  name: section.name,
  repeat: section.repeat,
  levels: section.levels.map(({ after = 0, notify }, index) => {
    const levelPath = [...path, 'levels', index];
    if (index > 0 && after === 0) {
      notices.refuse(levelPath, 'needs after: how long to wait for the level before');
    }
    for (const [at, name] of notify.entries()) {
      needReceiver(name, [...levelPath, 'notify', at], receivers, notices);
    }
    return { afterMs: after, notify };
  }),
});

const needReceiver = (
  name: string,
  path: Path,
  receivers: ReadonlySet<string>,
  notices: Notices,
): void => {
  if (receivers.has(name)) return;
  const [kind] = /^(?:schedule|person)(?=:)/.exec(name) ?? [];
  notices.refuse(
    path,
    kind === undefined
      ? `there is no receiver ${name}`
      : `a ${kind} as target is not supported yet; name a receiver`,
  );
};
