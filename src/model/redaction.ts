/** Where a value stands: on a span, a resource, a scope, … `metric` is a data point or its exemplar. */
export const redactPlaces = [
  'span',
  'resource',
  'scope',
  'event',
  'link',
  'metric',
  'log',
  'body',
] as const;

export type RedactPlace = (typeof redactPlaces)[number];

/**
 * What becomes of a value that must not be stored as it came. Plain data when the salt is: then it
 * crosses threads.
 */
export interface RedactRule<Salt = string> {
  /** In metrics. */
  readonly name: string;
  readonly match: RedactMatch;
  readonly in: readonly RedactPlace[];
  readonly action: RedactAction<Salt>;
}

export type RedactMatch =
  | {
      /** Globs; keys compare without regard to case. */
      readonly kind: 'key';
      readonly globs: readonly string[];
    }
  | {
      /** A JavaScript pattern that `isCostlyPattern` lets pass. */
      readonly kind: 'value';
      readonly pattern: string;
    };

export type RedactAction<Salt = string> =
  | { readonly kind: 'drop' }
  | {
      readonly kind: 'mask';
      /** So many of the last characters stay, of a text at least twice as long. */
      readonly keepChars: number;
    }
  | {
      readonly kind: 'hash';
      /** Secret: with it everybody can try which value gives a hash. */
      readonly salt: Salt;
    };
