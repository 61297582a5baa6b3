import { z } from '../lib/document.ts';
import { isCostlyPattern } from '../model/pattern-cost.ts';
import { redactPlaces } from '../model/redaction.ts';
import { labelText } from './alerting-fields.ts';
import { positiveDurationMs, share } from './fields.ts';

const rulesMax = 100;
const globsMax = 100;
const keyCharsMax = 200;
const keepCharsMax = 32;

const oneOrMore = <T extends z.ZodType>(item: T) =>
  z.union([item.transform((it) => [it]), z.array(item).min(1).max(globsMax)]);

const name = z.string().min(1).max(keyCharsMax);

const pattern = z.string().transform((text, context) => {
  const problem = problemOfPattern(text);
  if (problem === undefined) return text;
  context.addIssue(problem);
  return z.NEVER;
});

const problemOfPattern = (text: string): string | undefined => {
  if (isCostlyPattern(text)) {
    return 'this pattern can take very long: write it shorter, without repetitions inside repetitions';
  }
  try {
    // As the walk compiles it.
    return new RegExp(text, 'gu').test('')
      ? 'this pattern fits an empty text, so it says nothing about what to look for'
      : undefined;
  } catch {
    return 'expected a regular expression';
  }
};

const redactRule = z
  .strictObject({
    name: name.optional(),
    match: z
      .strictObject({ key: oneOrMore(name).optional(), value: pattern.optional() })
      .refine((it) => (it.key === undefined) !== (it.value === undefined), {
        error:
          'expected either key (a name such as user.email or http.request.header.*) or value (a pattern)',
      }),
    in: oneOrMore(z.enum(redactPlaces)).default([...redactPlaces]),
    action: z.enum(['drop', 'mask', 'hash']),
    /** So many characters at the end stay. */
    keep: z.int().min(1).max(keepCharsMax).optional(),
    salt: z.string().optional(),
    salt_file: z.string().min(1).optional(),
  })
  .refine((it) => it.keep === undefined || it.action === 'mask', {
    path: ['keep'],
    error: 'only mask keeps characters',
  })
  .refine((it) => it.action === 'hash' || (it.salt === undefined && it.salt_file === undefined), {
    path: ['salt'],
    error: 'only hash has a salt',
  });

const notAttributes: Readonly<Record<string, string>> = {
  status: 'say always: {errors: true} for spans with an error',
  duration: 'say always: {slower_than: 500ms} for slow spans',
};

const where = z.record(name, oneOrMore(labelText)).superRefine((conditions, context) => {
  for (const key of Object.keys(conditions)) {
    const instead = notAttributes[key];
    if (instead !== undefined) {
      context.addIssue({ code: 'custom', path: [key], message: `no attribute: ${instead}` });
    }
  }
});

/** What waits is in the journal, and rules on spans see it so much later. */
const waitMsMax = 300_000;

const sampleRule = z
  .strictObject({
    name: name.optional(),
    where: where.default({}),
    keep: share,
    always: z
      .strictObject({
        errors: z.boolean().default(true),
        slower_than: positiveDurationMs.optional(),
      })
      .prefault({}),
    mode: z.enum(['head', 'tail']).default('head'),
    /** For the rest of a trace. */
    wait: positiveDurationMs
      .refine((waitMs) => waitMs <= waitMsMax, 'expected 5m at most: what waits is in the journal')
      .optional(),
  })
  .refine((it) => it.wait === undefined || it.mode === 'tail', {
    path: ['wait'],
    error: 'only tail sampling waits; remove this key or say mode: tail',
  });

export const redactRules = z.array(redactRule).max(rulesMax);
export const sampleRules = z.array(sampleRule).max(rulesMax);
