import type { Path } from '../lib/document.ts';
import { Secret } from '../lib/secret.ts';
import type { Channel, Receiver } from '../model/alerting.ts';
import {
  type EmailSection,
  emailUnapplied,
  type GlobalSection,
  type HttpConfig,
  httpUnapplied,
  type SlackSection,
  slackUnapplied,
  type TlsConfig,
  tlsUnapplied,
  type WebhookSection,
  webhookUnapplied,
} from './alerting-channel-schema.ts';
import { usedOf } from './alerting-fields.ts';
import { type ReceiverSection, undelivered } from './alerting-schema.ts';
import { defined } from './defined.ts';
import { isHttpUrl } from './fields.ts';
import type { Notices } from './notices.ts';
import type { SecretReader } from './secrets.ts';

const webhookTimeoutMs = 10_000;

/** What every channel is built from: the file's global part and where to say what is wrong. */
interface Building {
  readonly global: GlobalSection;
  readonly secrets: SecretReader;
  readonly notices: Notices;
}

/** A receiver with its channels, in the order email, Slack, webhook, log. */
export const receiverOf = (section: ReceiverSection, path: Path, building: Building): Receiver => {
  const { notices } = building;
  for (const key of usedOf(section, undelivered)) {
    notices.warn([...path, key], 'Tocsin does not deliver this yet: nothing is sent there');
  }
  const channels = [
    ...section.email_configs.map((it, i) => email(it, [...path, 'email_configs', i], building)),
    ...section.slack_configs.map((it, i) => slack(it, [...path, 'slack_configs', i], building)),
    ...section.webhook_configs.map((it, i) =>
      webhook(it, [...path, 'webhook_configs', i], building),
    ),
    ...section.log_configs.map((it): Channel => ({ type: 'log', ...tellingOf(it) })),
  ];
  return { name: section.name, channels: channels.filter((it) => it !== undefined) };
};

const tellingOf = (section: {
  readonly send_resolved: boolean;
  readonly send_acknowledged: boolean;
}) => ({ sendResolved: section.send_resolved, sendAcknowledged: section.send_acknowledged });

const warnUnapplied = (
  section: object,
  keys: readonly string[],
  path: Path,
  { notices }: Building,
  why = 'not applied yet',
): void => {
  const [first, ...rest] = usedOf(section, keys);
  if (first === undefined) return;
  notices.warn([...path, first], rest.length === 0 ? why : `${why}; nor ${rest.join(', ')}`);
};

const email = (section: EmailSection, path: Path, building: Building): Channel | undefined => {
  const { global, secrets, notices } = building;
  warnUnapplied(section, emailUnapplied, path, building);
  const from = section.from ?? global.smtp_from;
  const smarthost = section.smarthost ?? global.smtp_smarthost;
  if (from === undefined) notices.refuse(path, 'needs from, here or as global.smtp_from');
  if (smarthost === undefined) {
    notices.refuse(path, 'needs smarthost (host:port), here or as global.smtp_smarthost');
  } else if (!/^\S+:\d{1,5}$/.test(smarthost)) {
    const place = section.smarthost === undefined ? ['global', 'smtp_smarthost'] : path;
    notices.refuse(place, 'expected smarthost as host:port, such as mail.example.com:587');
  }
  const to = [section.to].flat().flatMap(addressesOf);
  if (to.length === 0 || to.some((it) => !/^[^@]*[^@\s]@[^@]+$/.test(it) || it.includes('{{'))) {
    notices.refuse([...path, 'to'], 'expected addresses separated by commas, without templates');
  }
  const username = section.auth_username ?? global.smtp_auth_username;
  const password =
    secrets.read(section, 'auth_password', path) ??
    secrets.read(global, 'smtp_auth_password', ['global']);
  if (from === undefined || smarthost === undefined) return undefined;
  return defined({
    type: 'email' as const,
    ...tellingOf(section),
    to,
    from,
    smarthost,
    hello: section.hello ?? global.smtp_hello,
    username,
    password,
    requireTls: section.require_tls ?? global.smtp_require_tls,
    verifyTls: verifiesTls(section.tls_config, [...path, 'tls_config'], building),
    headers: headersOf(section, path, building),
  });
};

/** A comma inside a quoted name does not separate. */
const addressesOf = (text: string): readonly string[] =>
  [...text.matchAll(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g)].map(([it]) => it.trim()).filter(Boolean);

const verifiesTls = (own: TlsConfig | undefined, path: Path, building: Building): boolean => {
  const config = own ?? building.global.smtp_tls_config;
  if (own) warnUnapplied(own, tlsUnapplied, path, building);
  return !(config?.insecure_skip_verify ?? false);
};

const headersOf = (section: EmailSection, path: Path, { notices }: Building) => {
  const entries = Object.entries(section.headers);
  for (const [name] of entries.filter(([, value]) => value.includes('{{'))) {
    notices.warn([...path, 'headers', name], 'templates are not applied yet: left out');
  }
  return Object.fromEntries(entries.filter(([, value]) => !value.includes('{{')));
};

/** Where a bot posts; as `api_url` it is how bots were written before `app_token` was there. */
const postMessageUrl = /chat\.postMessage$/;

/**
 * As in Alertmanager: a token wins over a URL, the section's own over the global one, and the
 * authorization of http_config beside the URL for bots is a token too.
 */
const slackAccess = (section: SlackSection, path: Path, building: Building) => {
  const { global, secrets, notices } = building;
  const ownUrl = secrets.read(section, 'api_url', path);
  const ownToken =
    secrets.read(section, 'bot_token', path) ?? secrets.read(section, 'app_token', path);
  if (ownUrl && ownToken) notices.refuse(path, 'give either api_url or bot_token, not both');
  const url = ownUrl ?? secrets.read(global, 'slack_api_url', ['global']);
  const posts = url !== undefined && postMessageUrl.test(url.reveal());
  const http = section.http_config;
  const authorization = http?.authorization;
  if (http) warnUnapplied(http, httpUnapplied, [...path, 'http_config'], building);
  const credentials =
    authorization &&
    secrets.read(authorization, 'credentials', [...path, 'http_config', 'authorization']);
  const sharedToken =
    ownUrl || authorization ? undefined : secrets.read(global, 'slack_app_token', ['global']);
  const token = ownToken ?? sharedToken ?? (posts ? credentials : undefined);
  if (token && !ownToken && url && !posts) {
    notices.refuse(path, 'there is both a URL and a token for Slack: which one is meant?');
  }
  const postUrl = section.app_url ?? global.slack_app_url ?? (posts ? url.reveal() : undefined);
  return token
    ? { botToken: token, botApiUrl: section.bot_api_url ?? postUrl?.replace(postMessageUrl, '') }
    : { apiUrl: url };
};

const slackKeys = ['api_url', 'bot_token', 'app_token'].flatMap((it) => [it, `${it}_file`]);
const globalSlackKeys = ['slack_api_url', 'slack_app_token'].flatMap((it) => [it, `${it}_file`]);

const slack = (section: SlackSection, path: Path, building: Building): Channel | undefined => {
  const { notices } = building;
  warnUnapplied(section, slackUnapplied, path, building, 'not applied yet, the message is ours');
  const declared = [...usedOf(section, slackKeys), ...usedOf(building.global, globalSlackKeys)];
  if (declared.length === 0) {
    notices.refuse(path, 'needs api_url or bot_token, here or as global.slack_api_url');
  }
  const access = slackAccess(section, path, building);
  if (access.apiUrl && !isHttpUrl(access.apiUrl.reveal())) {
    notices.refuse([...path, 'api_url'], 'expected the URL of an incoming webhook');
  }
  if (access.botToken && section.channel === undefined) {
    notices.refuse(path, 'needs channel: a bot has to be told where to post');
  }
  return defined({
    type: 'slack' as const,
    ...tellingOf(section),
    apiUrl: access.apiUrl,
    botToken: access.botToken,
    botApiUrl: access.botApiUrl,
    channel: section.channel,
    username: section.username,
  });
};

const webhook = (section: WebhookSection, path: Path, building: Building): Channel | undefined => {
  const { secrets, notices } = building;
  warnUnapplied(section, webhookUnapplied, path, building, 'not applied yet, the body is ours');
  const url = secrets.read(section, 'url', path);
  if (section.url === undefined && section.url_file === undefined) {
    notices.refuse(path, 'needs url or url_file');
  } else if (url && !isHttpUrl(url.reveal())) {
    notices.refuse([...path, 'url'], 'expected a URL that starts with http:// or https://');
  }
  const signingSecret = secrets.read(section, 'signing_secret', path);
  if (signingSecret && !isSigningSecret(signingSecret.reveal())) {
    notices.refuse(
      [...path, 'signing_secret'],
      'expected whsec_ and base64 of 24 to 64 bytes, or plain text of 24 to 64 bytes',
    );
  }
  if (!url) return undefined;
  const http = section.http_config ?? building.global.http_config;
  const httpPath = section.http_config ? [...path, 'http_config'] : ['global', 'http_config'];
  return defined({
    type: 'webhook' as const,
    ...tellingOf(section),
    url,
    signingSecret,
    authorization: http && authorizationOf(http, httpPath, building),
    // 0 is Alertmanager's "as long as it takes", which nobody here may.
    timeoutMs:
      section.timeout === undefined || section.timeout === 0 ? webhookTimeoutMs : section.timeout,
    alertsMax: section.max_alerts,
  });
};

const isSigningSecret = (text: string): boolean => {
  const encoded = text.startsWith('whsec_') ? text.slice('whsec_'.length) : undefined;
  if (encoded !== undefined && !/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded)) return false;
  const bytes =
    encoded === undefined ? Buffer.byteLength(text) : Buffer.from(encoded, 'base64').length;
  return bytes >= 24 && bytes <= 64;
};

/** The value of the `authorization` header. */
const authorizationOf = (http: HttpConfig, path: Path, building: Building): Secret | undefined => {
  const { secrets, notices } = building;
  warnUnapplied(http, httpUnapplied, path, building);
  const bearer = secrets.read(http, 'bearer_token', path);
  const credentials =
    http.authorization &&
    secrets.read(http.authorization, 'credentials', [...path, 'authorization']);
  const password =
    http.basic_auth && secrets.read(http.basic_auth, 'password', [...path, 'basic_auth']);
  const given = [http.bearer_token ?? http.bearer_token_file, http.authorization, http.basic_auth];
  if (given.filter((it) => it !== undefined).length > 1) {
    notices.refuse(path, 'give one of authorization, basic_auth and bearer_token');
  }
  if (bearer) return new Secret(`Bearer ${bearer.reveal()}`);
  if (credentials) return new Secret(`${http.authorization?.type} ${credentials.reveal()}`);
  if (!http.basic_auth) return undefined;
  const pair = `${http.basic_auth.username}:${password?.reveal() ?? ''}`;
  return new Secret(`Basic ${Buffer.from(pair).toString('base64')}`);
};
