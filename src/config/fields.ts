import { z } from '../lib/document.ts';
import { parseDurationMs } from '../lib/duration.ts';
import { parseAddress } from './address.ts';
import { parseSizeBytes } from './size.ts';

/** A scalar that is written as text and read as something else. The message never shows the text. */
const written = <T>(parse: (text: string) => T | undefined, expected: string) =>
  z.unknown().transform((value, context) => {
    const isText = typeof value === 'string' || typeof value === 'number';
    const parsed = isText ? parse(String(value)) : undefined;
    if (parsed !== undefined) return parsed;
    context.addIssue(`expected ${expected}`);
    return z.NEVER;
  });

const positive = (parse: (text: string) => number | undefined) => (text: string) => {
  const value = parse(text);
  return value === 0 ? undefined : value;
};

export const durationMsOrAuto = written(
  (text) => (text === 'auto' ? text : parseDurationMs(text)),
  'auto or a duration such as 10s',
);

export const positiveDurationMs = written(
  positive(parseDurationMs),
  'a duration longer than 0, such as 200ms, 30s, 5m, 1h or 7d',
);

export const sizeBytes = written(positive(parseSizeBytes), 'a size such as 64KiB, 16MiB or 2GiB');

export const address = written(
  parseAddress,
  'host:port such as 127.0.0.1:4318, [::1]:4318 or :4318; port 0 picks a free one',
);

const parseShare = (text: string): number | undefined => {
  const [, digits = ''] = /^(\d{1,3}(?:\.\d+)?) ?(?:percent|%)$/.exec(text) ?? [];
  const percent = digits === '' ? Number.NaN : Number(digits);
  return percent <= 100 ? percent / 100 : undefined;
};

/** From 0 to 1. */
export const share = written(parseShare, 'a percentage from 0 to 100 such as 10 percent');

/** A key whose name is settled and whose work is not done: setting it must not be ignored. */
export const notYet = (what: string) =>
  z
    .unknown()
    .optional()
    .refine((value) => value === undefined, `${what} not supported yet; remove this key`);

/** One of the words, or an address of HTTP. */
export const oneOfOrUrl = (words: readonly string[]) =>
  z
    .string()
    .refine(
      (text) => words.includes(text) || isHttpUrl(text),
      `expected ${[...words, 'a URL that starts with http:// or https://'].join(' or ')}`,
    );

export const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
