import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { Alert } from '../model/alert.ts';
import type { Channel } from '../model/alerting.ts';
import type { DeliveryOutcome, Notification } from '../model/notification.ts';
import type { ChannelBook } from './channel-book.ts';
import { destinationOf } from './channels.ts';
import type { Ledger } from './ledger.ts';
import { notificationRow } from './ledger-rows.ts';

export interface TestResult {
  readonly channel: Channel['type'];
  readonly channelIndex: number;
  readonly destination: string;
  readonly outcome: DeliveryOutcome;
}

export interface SendTestParts {
  readonly book: ChannelBook;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeoutMs: number;
}

/**
 * One message to every channel of a receiver, through the very code that pages. Rejects with a Fault
 * ERR_RECEIVER_UNKNOWN (`reject`).
 */
export const sendTest = async (
  name: string,
  parts: SendTestParts,
): Promise<readonly TestResult[]> => {
  const { receivers } = parts.book.alerting();
  const receiver = receivers.find((it) => it.name === name);
  if (!receiver) {
    const known = receivers.map((it) => it.name).join(', ');
    throw new Fault('ERR_RECEIVER_UNKNOWN', `there is no receiver ${name}, only: ${known}`, {
      remedy: 'reject',
    });
  }
  return Promise.all(
    receiver.channels.map((channel, index) => sendOne(name, channel, index, parts)),
  );
};

const sendOne = async (
  receiver: string,
  channel: Channel,
  channelIndex: number,
  { book, ledger, clock, random, timeoutMs }: SendTestParts,
): Promise<TestResult> => {
  const nowMs = clock.nowMs();
  const notification = testNotification(receiver, channelIndex, nowMs, random);
  const startedMs = clock.monotonicMs();
  const outcome = await book.senderOf(channel)(notification, AbortSignal.timeout(timeoutMs));
  const destination = destinationOf(channel);
  const row = notificationRow(notification, {
    atMs: clock.nowMs(),
    channel: channel.type,
    destination,
    attempt: 1,
    outcome: outcome.kind,
    answer: outcome.answer,
    error: outcome.kind === 'delivered' ? '' : outcome.reason,
    durationMs: clock.monotonicMs() - startedMs,
  });
  await ledger.append('notification_log', row);
  return { channel: channel.type, channelIndex, destination, outcome };
};

const testNotification = (
  receiver: string,
  channelIndex: number,
  nowMs: number,
  random: Random,
): Notification => {
  const tag = Math.floor(random() * 36 ** 6).toString(36);
  return {
    id: `n-test-${nowMs.toString(36)}-${tag}-${channelIndex}`,
    kind: 'test',
    reason: 'a test that somebody asked for',
    receiver,
    channelIndex,
    alert: testAlert(nowMs),
    escalationLevel: 0,
    createdAtMs: nowMs,
  };
};

const testAlert = (nowMs: number): Alert => ({
  id: `test-${nowMs.toString(36)}`,
  fingerprint: '0000000000000000',
  ruleId: 'test',
  labels: { alertname: 'TocsinTest', severity: 'info' },
  annotations: { summary: 'This is a test of the way alerts take. Nothing is wrong.' },
  phase: 'firing',
  activeAtMs: nowMs,
  firedAtMs: nowMs,
  values: {},
});
