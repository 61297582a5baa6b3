import type { Alert } from '../model/alert.ts';
import { clip } from './format-value.ts';

/** A job holds the alert and must stay well below the queue's limit of 256 KiB. */
const alertCharsMax = 40_000;
const valueCharsMax = 200;
const entriesMax = 50;

/** The alert itself, or, when it is too large to be handed on, the same with its texts cut. */
export const boundedAlert = (alert: Alert): Alert => {
  if (JSON.stringify(alert).length <= alertCharsMax) return alert;
  return {
    ...alert,
    labels: cut(alert.labels, (it) => clip(it, valueCharsMax)),
    annotations: cut(alert.annotations, (it) => clip(it, valueCharsMax)),
    values: cut(alert.values, (it) => it),
    ...(alert.units && { units: cut(alert.units, (it) => it) }),
  };
};

/** The first ones: `alertname` and the like stand in front. */
const cut = <T>(entries: Readonly<Record<string, T>>, shorten: (value: T) => T) =>
  Object.fromEntries(
    Object.entries(entries)
      .slice(0, entriesMax)
      .map(([name, value]) => [clip(name, valueCharsMax), shorten(value)]),
  );
