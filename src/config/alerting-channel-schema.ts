import { z } from '../lib/document.ts';
import { duration, labels, unapplied } from './alerting-fields.ts';

/** Alertmanager's key names throughout; what Tocsin adds stands last in each. */

const text = z.string().min(1);
/** Alertmanager takes an empty text for none. */
const optionalText = z
  .string()
  .optional()
  .transform((it) => it || undefined);
const flag = z.boolean().optional();

export const httpUnapplied = [
  'oauth2',
  'proxy_url',
  'no_proxy',
  'proxy_from_environment',
  'proxy_connect_header',
  'tls_config',
  'follow_redirects',
  'enable_http2',
  'http_headers',
] as const;

const httpConfig = z.strictObject({
  authorization: z
    .strictObject({
      type: text.default('Bearer'),
      credentials: optionalText,
      credentials_file: optionalText,
    })
    .optional(),
  basic_auth: z
    .strictObject({
      username: text,
      password: optionalText,
      password_file: optionalText,
      ...unapplied('username_file'),
    })
    .optional(),
  bearer_token: optionalText,
  bearer_token_file: optionalText,
  ...unapplied(...httpUnapplied),
});

export type HttpConfig = z.output<typeof httpConfig>;

export const tlsUnapplied = [
  'ca',
  'ca_file',
  'ca_ref',
  'cert',
  'cert_file',
  'cert_ref',
  'key',
  'key_file',
  'key_ref',
  'server_name',
  'min_version',
  'max_version',
] as const;

const tlsConfig = z.strictObject({
  insecure_skip_verify: z.boolean().default(false),
  ...unapplied(...tlsUnapplied),
});

export type TlsConfig = z.output<typeof tlsConfig>;

/** Of services whose *_configs Tocsin does not deliver; of no effect here. */
const otherServices = unapplied(
  'victorops_api_key',
  'victorops_api_key_file',
  'victorops_api_url',
  'pagerduty_url',
  'opsgenie_api_key',
  'opsgenie_api_key_file',
  'opsgenie_api_url',
  'wechat_api_url',
  'wechat_api_secret',
  'wechat_api_secret_file',
  'wechat_api_corp_id',
  'telegram_api_url',
  'telegram_bot_token',
  'telegram_bot_token_file',
  'webex_api_url',
  'jira_api_url',
  'rocketchat_api_url',
  'rocketchat_token',
  'rocketchat_token_file',
  'rocketchat_token_id',
  'rocketchat_token_id_file',
  'mattermost_webhook_url',
  'mattermost_webhook_url_file',
);

export const globalUnapplied = [
  'smtp_auth_identity',
  'smtp_auth_secret',
  'smtp_auth_secret_file',
  'smtp_force_implicit_tls',
] as const;

export const globalSchema = z.strictObject({
  resolve_timeout: duration.optional(),
  http_config: httpConfig.optional(),
  smtp_from: optionalText,
  smtp_hello: optionalText,
  smtp_smarthost: optionalText,
  smtp_auth_username: optionalText,
  smtp_auth_password: optionalText,
  smtp_auth_password_file: optionalText,
  smtp_require_tls: z.boolean().default(true),
  smtp_tls_config: tlsConfig.optional(),
  slack_api_url: optionalText,
  slack_api_url_file: optionalText,
  slack_app_token: optionalText,
  slack_app_token_file: optionalText,
  slack_app_url: optionalText,
  ...unapplied(...globalUnapplied),
  ...otherServices,
});

export type GlobalSection = z.output<typeof globalSchema>;

/**
 * Alertmanager leaves resolved messages out of email and Slack unless told; Tocsin tells whoever
 * was told "firing", unless told not to.
 */
const telling = {
  send_resolved: z.boolean().default(true),
  send_acknowledged: z.boolean().default(true),
};

export const emailUnapplied = [
  'auth_identity',
  'auth_secret',
  'auth_secret_file',
  'force_implicit_tls',
  'html',
  'text',
  'threading',
] as const;

export const emailSchema = z.strictObject({
  to: z.union([text, z.array(text).min(1)]),
  from: optionalText,
  smarthost: optionalText,
  hello: optionalText,
  auth_username: optionalText,
  auth_password: optionalText,
  auth_password_file: optionalText,
  require_tls: flag,
  tls_config: tlsConfig.optional(),
  headers: labels.default({}),
  ...unapplied(...emailUnapplied),
  ...telling,
});

export type EmailSection = z.output<typeof emailSchema>;

export const slackUnapplied = [
  'color',
  'fields',
  'short_fields',
  'footer',
  'fallback',
  'callback_id',
  'icon_emoji',
  'icon_url',
  'image_url',
  'thumb_url',
  'link_names',
  'title',
  'title_link',
  'pretext',
  'text',
  'mrkdwn_in',
  'actions',
  'timeout',
  'message_text',
  'update_message',
] as const;

export const slackSchema = z.strictObject({
  api_url: optionalText,
  api_url_file: optionalText,
  app_token: optionalText,
  app_token_file: optionalText,
  app_url: optionalText,
  channel: optionalText,
  username: optionalText,
  http_config: httpConfig.optional(),
  bot_token: optionalText,
  bot_token_file: optionalText,
  bot_api_url: optionalText,
  ...unapplied(...slackUnapplied),
  ...telling,
});

export type SlackSection = z.output<typeof slackSchema>;

export const webhookUnapplied = ['payload'] as const;

export const webhookSchema = z.strictObject({
  url: optionalText,
  url_file: optionalText,
  http_config: httpConfig.optional(),
  max_alerts: z.int().min(0).default(0),
  timeout: duration.optional(),
  signing_secret: optionalText,
  signing_secret_file: optionalText,
  ...unapplied(...webhookUnapplied),
  ...telling,
  // Alertmanager's body has no word for it: to a program it would be one more firing.
  send_acknowledged: z.boolean().default(false),
});

export type WebhookSection = z.output<typeof webhookSchema>;

export const logSchema = z.strictObject({ ...telling });
