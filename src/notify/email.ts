import { createTransport } from 'nodemailer';
import { messageOf as errorText } from '../lib/fault.ts';
import type { EmailChannel } from '../model/alerting.ts';
import type { DeliveryOutcome, Notification, SendNotification } from '../model/notification.ts';
import { answerText } from './http-answer.ts';
import { messageOf } from './message.ts';
import { renderEmail } from './render-email.ts';

const connectionTimeoutMs = 10_000;
const socketTimeoutMs = 30_000;
/** The port that speaks TLS from the first byte. */
const tlsPort = 465;

export interface EmailParts {
  readonly externalUrl: string;
}

/**
 * One SMTP session per message. The Message-ID is the notification's id, so that a mail sent twice
 * is shown once by most programs, and what follows stands in the thread of the first message.
 */
export const createEmailChannel = (channel: EmailChannel, parts: EmailParts): SendNotification => {
  const [host, port] = addressOf(channel.smarthost);
  const transport = createTransport({
    host,
    port,
    secure: port === tlsPort,
    requireTLS: channel.requireTls,
    ...(channel.hello !== undefined && { name: channel.hello }),
    ...(channel.username !== undefined && {
      auth: { user: channel.username, pass: channel.password?.reveal() ?? '' },
    }),
    tls: { rejectUnauthorized: channel.verifyTls },
    connectionTimeout: connectionTimeoutMs,
    greetingTimeout: connectionTimeoutMs,
    socketTimeout: socketTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return async (notification, signal) => {
    try {
      const info = await transport.sendMail({ ...mailOf(notification, channel, parts), signal });
      const rejected = info.rejected.map(String);
      const missed = rejected.length > 0 ? `; refused for ${rejected.join(', ')}` : '';
      return {
        kind: 'delivered',
        answer: answerText(`${info.response}${missed}`),
        reference: info.messageId,
      };
    } catch (error) {
      return outcomeOf(error);
    }
  };
};

/** `host:port`, `[::1]:port`; 25 when no port is given. */
const addressOf = (smarthost: string): readonly [host: string, port: number] => {
  const [, bracketed, plain = smarthost, port = '25'] =
    /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(smarthost) ?? [];
  return [bracketed ?? plain, Number(port)];
};

const mailOf = (notification: Notification, channel: EmailChannel, parts: EmailParts) => {
  const { id, kind, alert, thread } = notification;
  const domain = /@([\w.-]+)>?\s*$/.exec(channel.from)?.[1] ?? 'tocsin.invalid';
  const messageId = (it: string) => `<${it}@${domain}>`;
  return {
    from: channel.from,
    to: [...channel.to],
    ...renderEmail(messageOf(notification, parts.externalUrl)),
    messageId: messageId(id),
    ...(thread && { inReplyTo: messageId(thread.id), references: messageId(thread.id) }),
    date: new Date(notification.createdAtMs),
    headers: {
      // Automatic answers ("out of office") to a machine help nobody.
      'Auto-Submitted': 'auto-generated',
      'X-Tocsin-Alert': alert.id,
      'X-Tocsin-Fingerprint': alert.fingerprint,
      'X-Tocsin-Kind': kind,
      'X-Tocsin-Severity': alert.labels['severity'] ?? 'none',
      'X-Tocsin-Receiver': notification.receiver,
      ...channel.headers,
    },
  };
};

/** SMTP's own distinction: 5xx is for good, 4xx is for now. Failures before an answer may pass. */
const outcomeOf = (error: unknown): DeliveryOutcome => {
  const answer = answerText(errorText(error));
  const { code, responseCode } = smtpFacts(error);
  if (responseCode !== undefined && responseCode >= 500) {
    return { kind: 'refused', reason: `smtp-${responseCode}`, answer };
  }
  if (responseCode !== undefined) return { kind: 'retry', reason: `smtp-${responseCode}`, answer };
  const ours = ['EAUTH', 'ENOAUTH', 'EENVELOPE', 'EMESSAGE', 'ECONFIG'].includes(code);
  return { kind: ours ? 'refused' : 'retry', reason: code.toLowerCase() || 'failed', answer };
};

const smtpFacts = (
  error: unknown,
): { readonly code: string; readonly responseCode: number | undefined } => {
  if (typeof error !== 'object' || error === null) return { code: '', responseCode: undefined };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const responseCode =
    'responseCode' in error && typeof error.responseCode === 'number'
      ? error.responseCode
      : undefined;
  return { code, responseCode };
};
