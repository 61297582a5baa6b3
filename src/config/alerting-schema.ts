import { z } from '../lib/document.ts';
import {
  emailSchema,
  globalSchema,
  logSchema,
  slackSchema,
  webhookSchema,
} from './alerting-channel-schema.ts';
import { duration, labels, matcherTexts, patterns, unapplied } from './alerting-fields.ts';

const name = z.string().min(1);

export const routeUnapplied = [
  'group_by',
  'group_wait',
  'group_interval',
  'repeat_interval',
  'mute_time_intervals',
  'active_time_intervals',
  'labels',
] as const;

const routeSchema = z.strictObject({
  receiver: name.optional(),
  match: labels.optional(),
  match_re: patterns.optional(),
  matchers: matcherTexts.optional(),
  continue: z.boolean().default(false),
  group_by: z.array(name).optional(),
  group_wait: duration.optional(),
  group_interval: duration.optional(),
  repeat_interval: duration.optional(),
  mute_time_intervals: z.array(name).optional(),
  active_time_intervals: z.array(name).optional(),
  labels: labels.optional(),
  get routes(): z.ZodOptional<z.ZodArray<typeof routeSchema>> {
    return z.array(routeSchema).optional();
  },
});

export type RouteSection = z.output<typeof routeSchema>;

export const undelivered = [
  'discord_configs',
  'incidentio_configs',
  'jira_configs',
  'mattermost_configs',
  'msteams_configs',
  'msteamsv2_configs',
  'opsgenie_configs',
  'pagerduty_configs',
  'pushover_configs',
  'rocketchat_configs',
  'sns_configs',
  'telegram_configs',
  'victorops_configs',
  'webex_configs',
  'wechat_configs',
] as const;

const receiverSchema = z.strictObject({
  name,
  email_configs: z.array(emailSchema).default([]),
  slack_configs: z.array(slackSchema).default([]),
  webhook_configs: z.array(webhookSchema).default([]),
  /** Tocsin's: into the daemon's own log. */
  log_configs: z.array(logSchema).default([]),
  /** For queries of Alertmanager's API only. */
  labels: labels.optional(),
  ...unapplied(...undelivered),
});

export type ReceiverSection = z.output<typeof receiverSchema>;

const inhibitRuleSchema = z.strictObject({
  name: z.string().optional(),
  source_match: labels.optional(),
  source_match_re: patterns.optional(),
  source_matchers: matcherTexts.optional(),
  target_match: labels.optional(),
  target_match_re: patterns.optional(),
  target_matchers: matcherTexts.optional(),
  equal: z.array(name).default([]),
  ...unapplied('sources'),
});

const timeIntervalSchema = z.strictObject({
  name,
  time_intervals: z
    .array(
      z.strictObject({
        times: z.array(z.strictObject({ start_time: z.string(), end_time: z.string() })).optional(),
        weekdays: z.array(z.string()).optional(),
        days_of_month: z.array(z.union([z.string(), z.number()])).optional(),
        months: z.array(z.union([z.string(), z.number()])).optional(),
        years: z.array(z.union([z.string(), z.number()])).optional(),
        location: z.string().optional(),
      }),
    )
    .default([]),
});

const policySchema = z.strictObject({
  name,
  levels: z
    .array(
      z.strictObject({
        after: duration.optional(),
        notify: z.union([name.transform((it) => [it]), z.array(name).min(1)]),
      }),
    )
    .min(1)
    .max(50),
  repeat: z.int().min(0).max(100).default(0),
});

export type PolicySection = z.output<typeof policySchema>;

/** alerting.yaml: Alertmanager's configuration, and Tocsin's own keys. */
export const alertingSchema = z.strictObject({
  global: globalSchema.prefault({}),
  route: routeSchema,
  receivers: z.array(receiverSchema).min(1),
  inhibit_rules: z.array(inhibitRuleSchema).optional(),
  time_intervals: z.array(timeIntervalSchema).default([]),
  mute_time_intervals: z.array(timeIntervalSchema).default([]),
  templates: z.array(z.string()).optional(),
  escalation_policies: z.array(policySchema).default([]),
  fallback_receiver: name.optional(),
  ...unapplied('tracing', 'event_recorder', 'people', 'schedules', 'suppression'),
});

export type AlertingDocument = z.output<typeof alertingSchema>;
