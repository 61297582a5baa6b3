import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  significant,
} from './humanize.ts';
import type { Unit } from './rules/plan.ts';

export type TemplateValue =
  | { readonly kind: 'number'; readonly value: number; readonly unit: Unit }
  | { readonly kind: 'text'; readonly text: string };

type TemplateFunction = (values: readonly TemplateValue[]) => TemplateValue;

const text = (it: string): TemplateValue => ({ kind: 'text', text: it });

const onNumber =
  (name: string, format: (value: number) => string): TemplateFunction =>
  (values) =>
    text(format(numberFor(name, only(name, values))));

const onText =
  (name: string, change: (value: string) => string): TemplateFunction =>
  (values) =>
    text(change(plainText(only(name, values))));

const only = (name: string, values: readonly TemplateValue[]): TemplateValue => {
  const [value] = values;
  if (!value || values.length > 1) throw new Error(`${name} takes one value`);
  return value;
};

const numberFor = (name: string, value: TemplateValue): number => {
  const number =
    value.kind === 'number'
      ? value.value
      : value.text.trim() === ''
        ? Number.NaN
        : Number(value.text);
  if (value.kind === 'text' && Number.isNaN(number)) {
    throw new Error(`${name} needs a number, not "${value.text}"`);
  }
  return number;
};

const plainText = (value: TemplateValue): string =>
  value.kind === 'number' ? significant(value.value) : value.text;

const timestamp = (seconds: number): string => {
  const at = new Date(seconds * 1_000);
  if (Number.isNaN(at.getTime())) throw new Error(`${seconds} is not a time`);
  return at.toISOString();
};

const paddingMax = 100;

/** Go's verbs for texts and numbers; widths and precisions are bounded. */
const printf: TemplateFunction = ([format, ...values]) => {
  if (format?.kind !== 'text') throw new Error('printf needs a format in quotes');
  let used = 0;
  const result = format.text.replaceAll(
    /%(?:%|([-0+]*)(\d*)(?:\.(\d+))?([a-zA-Z]))/g,
    (
      whole,
      flags: string | undefined,
      width: string,
      precision: string | undefined,
      verb: string,
    ) => {
      if (whole === '%%') return '%';
      const value = values[used];
      if (!value) throw new Error(`printf has nothing for ${whole}`);
      used += 1;
      const formatted = formatVerb(verb, value, precision);
      const size = Math.min(Number(width), paddingMax);
      if (flags?.includes('-')) return formatted.padEnd(size);
      return formatted.padStart(size, flags?.includes('0') ? '0' : ' ');
    },
  );
  if (used < values.length) throw new Error('printf has more values than verbs');
  return text(result);
};

const formatVerb = (verb: string, value: TemplateValue, precision: string | undefined): string => {
  const digits = Math.min(Number(precision ?? 6), 20);
  switch (verb) {
    case 'f':
      return numberFor('printf', value).toFixed(digits);
    case 'e':
      return numberFor('printf', value).toExponential(digits);
    case 'g':
      return precision === undefined
        ? String(numberFor('printf', value))
        : String(Number(numberFor('printf', value).toPrecision(Math.max(1, digits))));
    case 'd':
      return String(Math.trunc(numberFor('printf', value)));
    case 's':
    case 'v':
      return plainText(value);
    case 'q':
      return JSON.stringify(plainText(value));
    default:
      throw new Error(`printf does not know %${verb}`);
  }
};

export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  humanize: onNumber('humanize', humanize),
  humanize1024: onNumber('humanize1024', humanize1024),
  humanizeDuration: onNumber('humanizeDuration', humanizeDuration),
  humanizePercentage: onNumber('humanizePercentage', humanizePercentage),
  humanizeTimestamp: onNumber('humanizeTimestamp', timestamp),
  toUpper: onText('toUpper', (it) => it.toUpperCase()),
  toLower: onText('toLower', (it) => it.toLowerCase()),
  title: onText('title', (it) =>
    it.replaceAll(/(?<![\p{L}\p{N}])\p{L}/gu, (letter) => letter.toUpperCase()),
  ),
  printf,
};
