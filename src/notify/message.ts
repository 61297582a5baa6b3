import { formatDuration } from '../lib/duration.ts';
import type { Notification } from '../model/notification.ts';
import { clip, formatTime, formatValue } from './format-value.ts';

/** What a person should read, before any channel's markup. */
export interface Message {
  /** One line: `[FIRING:critical] CheckoutSlow checkout /pay`. */
  readonly title: string;
  readonly mood: Mood;
  readonly summary: string;
  /** In the order they should be read. */
  readonly facts: readonly Fact[];
  readonly labels: readonly Fact[];
  readonly links: readonly Link[];
  /** Why this was sent, and to whom. */
  readonly footer: string;
}

export type Mood = 'alarm' | 'warning' | 'good' | 'calm';

export interface Fact {
  readonly name: string;
  readonly text: string;
}

export interface Link {
  readonly text: string;
  readonly url: string;
}

const titleCharsMax = 180;
const summaryCharsMax = 2_000;
const factCharsMax = 300;
const valuesMax = 10;
const labelsMax = 30;
const linksMax = 8;
const linkCharsMax = 2_000;

/** Reads the same notification the same way for every channel. Pure; every part has a bound. */
export const messageOf = (notification: Notification, externalUrl: string): Message => {
  const { alert } = notification;
  const { annotations } = alert;
  return {
    title: clip(oneLine(titleOf(notification)), titleCharsMax),
    mood: moodOf(notification),
    summary: clip(
      [annotations['summary'], annotations['description']].filter(Boolean).join('\n'),
      summaryCharsMax,
    ),
    facts: factsOf(notification),
    labels: Object.entries(alert.labels)
      .slice(0, labelsMax)
      .map(([name, text]) => ({ name, text: clip(text, factCharsMax) })),
    links: linksOf(notification, externalUrl),
    footer: clip(`${notification.reason} · told to ${notification.receiver}`, factCharsMax),
  };
};

const titleOf = ({ kind, alert, escalationLevel }: Notification): string => {
  const { alertname = alert.ruleId, severity } = alert.labels;
  const word = kind === 'escalated' ? `escalated ${escalationLevel}` : kind;
  const tag = `[${word.toUpperCase()}${severity === undefined ? '' : `:${severity}`}]`;
  const values = Object.entries(alert.labels)
    .filter(([name]) => name !== 'alertname' && name !== 'severity')
    .map(([, value]) => value);
  return [tag, alertname, ...values].join(' ');
};

const moodOf = ({ kind, alert }: Notification): Mood => {
  if (kind === 'resolved') return 'good';
  if (kind === 'acknowledged' || kind === 'test') return 'calm';
  return ['warning', 'info', 'ticket'].includes(alert.labels['severity'] ?? '')
    ? 'warning'
    : 'alarm';
};

const factsOf = (notification: Notification): readonly Fact[] => {
  const { alert, acknowledgedBy, kind } = notification;
  const endMs = alert.resolvedAtMs ?? notification.createdAtMs;
  const lasted = formatDuration(
    Math.max(0, Math.round((endMs - alert.activeAtMs) / 1_000)) * 1_000,
  );
  const values = Object.entries(alert.values).slice(0, valuesMax);
  return [
    { name: 'Severity', text: alert.labels['severity'] ?? '' },
    { name: 'Since', text: `${formatTime(alert.activeAtMs)} (for ${lasted})` },
    {
      name: 'Resolved',
      text:
        kind === 'resolved' && alert.resolvedAtMs !== undefined
          ? formatTime(alert.resolvedAtMs)
          : '',
    },
    ...values.map(([name, value]) => ({ name, text: formatValue(value, alert.units?.[name]) })),
    { name: 'Acknowledged by', text: acknowledgedBy ?? '' },
    { name: 'Rule', text: alert.ruleId },
  ]
    .filter((it) => it.text !== '')
    .map(({ name, text }) => ({ name: clip(name, factCharsMax), text: clip(text, factCharsMax) }));
};

/** Annotations that end in `_url` are links; so is the alert itself. Only web addresses are. */
const linksOf = ({ alert }: Notification, externalUrl: string): readonly Link[] => {
  const base = externalUrl.replace(/\/+$/, '');
  const annotated = Object.entries(alert.annotations)
    .filter(([name]) => name.endsWith('_url'))
    .map(([name, url]) => ({ text: wordsOf(name.slice(0, -4)), url }));
  return [
    { text: 'Open in Tocsin', url: `${base}/?alert=${encodeURIComponent(alert.id)}` },
    ...annotated,
    { text: 'Source', url: alert.generatorUrl ?? '' },
  ]
    .filter(
      ({ url }) => /^https?:\/\//.test(url) && url.length <= linkCharsMax && URL.canParse(url),
    )
    .slice(0, linksMax);
};

const wordsOf = (name: string): string => {
  const words = name.replaceAll('_', ' ').trim();
  return clip(`${words.slice(0, 1).toUpperCase()}${words.slice(1)}` || 'Link', 60);
};

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
