import type { Secret } from '../lib/secret.ts';
import type { Labels, Matcher } from './matcher.ts';
import type { TimeIntervalInput } from './time-interval.ts';

/** alerting.yaml after validation: Alertmanager's configuration plus Tocsin's own parts. */
export interface Alerting {
  readonly route: Route;
  readonly receivers: readonly Receiver[];
  readonly escalationPolicies: readonly EscalationPolicy[];
  readonly fallbackReceiver?: string;
  /** `time_intervals` and `mute_time_intervals` by name, as written. */
  readonly timeIntervals?: ReadonlyMap<string, readonly TimeIntervalInput[]>;
  /** Where links in messages point; from global or the console's address. */
  readonly externalUrl: string;
}

export interface Route {
  /** Inherited from the parent when absent; the root always has one. */
  readonly receiver?: string;
  readonly matchers: readonly Matcher[];
  readonly continue: boolean;
  readonly routes: readonly Route[];
}

export interface Receiver {
  readonly name: string;
  readonly channels: readonly Channel[];
}

export type Channel = EmailChannel | SlackChannel | WebhookChannel | LogChannel;

interface ChannelBase {
  readonly sendResolved: boolean;
  /** Whether people told "firing" are told "acknowledged". */
  readonly sendAcknowledged: boolean;
}

export interface EmailChannel extends ChannelBase {
  readonly type: 'email';
  readonly to: readonly string[];
  readonly from: string;
  /** `host:port`. */
  readonly smarthost: string;
  readonly hello?: string;
  readonly username?: string;
  readonly password?: Secret;
  /** STARTTLS is demanded; port 465 speaks TLS from the start either way. */
  readonly requireTls: boolean;
  /** Certificates are checked; false only where the file says insecure_skip_verify. */
  readonly verifyTls: boolean;
  readonly headers: Labels;
}

export interface SlackChannel extends ChannelBase {
  readonly type: 'slack';
  /** An incoming webhook… */
  readonly apiUrl?: Secret;
  /** …or a bot token with chat:write. Exactly one of both. */
  readonly botToken?: Secret;
  /** Base of the Web API, `https://slack.com/api/` unless the file says otherwise. */
  readonly botApiUrl?: string;
  readonly channel?: string;
  readonly username?: string;
}

export interface WebhookChannel extends ChannelBase {
  readonly type: 'webhook';
  readonly url: Secret;
  /** Standard Webhooks secret, `whsec_…` or plain text of 24 to 64 bytes. */
  readonly signingSecret?: Secret;
  readonly authorization?: Secret;
  readonly timeoutMs: number;
  /** 0 means all. */
  readonly alertsMax: number;
}

/** Writes the notification to the daemon's log: where alerts go before anything is configured. */
export interface LogChannel extends ChannelBase {
  readonly type: 'log';
}

export interface EscalationPolicy {
  readonly name: string;
  readonly levels: readonly EscalationLevel[];
  /** How often the whole policy runs again after its last level. */
  readonly repeat: number;
}

export interface EscalationLevel {
  /** Time since the level before it (since firing, for the first). */
  readonly afterMs: number;
  /** Receiver names. */
  readonly notify: readonly string[];
}
