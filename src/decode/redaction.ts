import { matchesGlob } from '../lib/glob.ts';
import type { RedactPlace, RedactRule } from '../model/redaction.ts';
import { redactPlaces } from '../model/redaction.ts';
import { type Replace, replaceMatches, replacementOf } from './redact-text.ts';

/** Nothing is to be done with values of this key. */
export const pass = 0;
/** Values of this key are to be examined for patterns. */
export const examine = 1;
/** From here on: a rule for this key, by its number. */
const firstRule = 2;

interface Compiled {
  readonly index: number;
  readonly rule: RedactRule;
  readonly replace: Replace;
}

interface ValueRule extends Compiled {
  readonly pattern: RegExp;
}

/** Redaction rules, compiled once. Counts what they did in the walk at hand. */
export class Redaction {
  /** Values redacted since `begin`, by rule. */
  readonly counts: number[];
  readonly #places: ReadonlyMap<RedactPlace, PlaceRules>;
  readonly #everywhere: PlaceRules;

  constructor(rules: readonly RedactRule[]) {
    this.counts = rules.map(() => 0);
    const compiled = rules.map((rule, index) => ({
      index,
      rule,
      replace: replacementOf(rule.action),
    }));
    const rulesFor = (those: readonly Compiled[]) => new PlaceRules(those, this.counts);
    this.#everywhere = rulesFor(compiled);
    this.#places = new Map(
      redactPlaces.flatMap((place) => {
        const here = compiled.filter(({ rule }) => rule.in.includes(place));
        return here.length === 0 ? [] : [[place, rulesFor(here)]];
      }),
    );
  }

  /** Undefined where no rule applies. */
  in(place: RedactPlace): PlaceRules | undefined {
    return this.#places.get(place);
  }

  /** Text that is told elsewhere, such as a sample of what was rejected, as all patterns leave it. */
  told(text: string): string {
    return this.#everywhere.examined(text) ?? '';
  }

  /** The same for the value of a resource's attribute. */
  toldOf(key: string, text: string): string {
    const rules = this.in('resource');
    const verdict = rules?.verdictOf(key) ?? pass;
    if (!rules || verdict <= examine) return this.told(text);
    return rules.replaced(verdict, () => text) ?? '';
  }

  begin(): void {
    this.counts.fill(0);
  }
}

/** The rules for one place, in the order of the configuration. */
export class PlaceRules {
  readonly hasPatterns: boolean;
  readonly #counts: number[];
  readonly #keyRules: readonly (Compiled & { readonly globs: readonly string[] })[];
  readonly #valueRules: readonly ValueRule[];

  constructor(rules: readonly Compiled[], counts: number[]) {
    this.#counts = counts;
    this.#keyRules = rules.flatMap((it) =>
      it.rule.match.kind === 'key'
        ? [{ ...it, globs: it.rule.match.globs.map((glob) => glob.toLowerCase()) }]
        : [],
    );
    this.#valueRules = rules.flatMap((it) =>
      it.rule.match.kind === 'value'
        ? [{ ...it, pattern: new RegExp(it.rule.match.pattern, 'gu') }]
        : [],
    );
    this.hasPatterns = this.#valueRules.length > 0;
  }

  /** What is to be done with values of a key: `pass`, `examine`, or what `replaced` understands. */
  verdictOf(key: string): number {
    return this.verdictOfEither(key, key);
  }

  /** The same for what goes by two names. */
  verdictOfEither(key: string, otherKey: string): number {
    const keys = [...new Set([key.toLowerCase(), otherKey.toLowerCase()])];
    const found = this.#keyRules.findIndex(({ globs }) =>
      globs.some((glob) => keys.some((it) => matchesGlob(glob, it))),
    );
    if (found >= 0) return firstRule + found;
    return this.hasPatterns ? examine : pass;
  }

  /** What is stored for a value whose key has a rule, given a way to its text; undefined for nothing. */
  replaced(verdict: number, text: () => string): string | undefined {
    const found = this.#keyRules[verdict - firstRule];
    if (!found) throw new TypeError(`no rule for verdict ${verdict}`);
    this.#count(found);
    return found.rule.action.kind === 'drop' ? undefined : found.replace(text());
  }

  /** The text as the rules for values leave it: the same when none matches; undefined for nothing. */
  examined(text: string): string | undefined {
    let rest = text;
    for (const rule of this.#valueRules) {
      const replaced = replaceMatches(rest, rule.pattern, rule.replace);
      if (replaced === rest) continue;
      this.#count(rule);
      if (replaced === undefined) return undefined;
      rest = replaced;
    }
    return rest;
  }

  #count({ index }: Compiled): void {
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }
}
