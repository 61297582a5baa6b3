const token =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S]|'')*'|`[^`]*`|"[^"]*"|\{\s*\w+\s*:[^}]*\}|[A-Za-z_]\w*|\d+(?:\.\d+)?|>=|<=|!=|<>|\S/g;

/** Names, keywords, numbers, texts and signs of SQL without its comments; names lose their quotes. */
export const wordsOf = (sql: string): readonly string[] =>
  (sql.match(token) ?? [])
    .filter((it) => !it.startsWith('--') && !it.startsWith('/*'))
    .map((it) => (/^[`"]/.test(it) ? it.slice(1, -1) : it));

/** How long before now a time is, milliseconds, and the position of the word after it. */
interface Past {
  readonly ms: number;
  readonly next: number;
  /** What a bare number means that is taken away from it. */
  readonly unit?: string;
}

/** What `{from:…}` and `{to:…}` stand for, milliseconds before now. */
export interface Ends {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The time that is written from word `at` on: `{from:…}`, `{to:…}`, `now()` or `today()`, less
 * intervals, within functions that round it down or leave it as it is. Undefined for anything else.
 */
export const pastAt = (words: readonly string[], at: number, ends: Ends): Past | undefined => {
  let past = startAt(words, at, ends);
  while (past && words[past.next] === '-') {
    const step = stepAt(words, past.next + 1, past.unit);
    past = step && { ...past, ms: past.ms + step.ms, next: step.next };
  }
  return past;
};

const asItIs = /^(?:toDateTime(?:64)?|toDate|toStartOf\w+)$/i;

const startAt = (words: readonly string[], at: number, ends: Ends): Past | undefined => {
  const name = words[at] ?? '';
  if (/^\{\s*from\s*:/.test(name)) return { ms: ends.fromMs, next: at + 1 };
  if (/^\{\s*to\s*:/.test(name)) return { ms: ends.toMs, next: at + 1 };
  if (name === '(') return closed(words, pastAt(words, at + 1, ends));
  if (words[at + 1] !== '(') return undefined;
  if (/^(?:now|now64|today)$/i.test(name)) {
    const unit = { now: 'SECOND', today: 'DAY' }[name.toLowerCase()];
    return closed(words, { ms: 0, next: at + 2 }, unit);
  }
  if (asItIs.test(name)) return closed(words, pastAt(words, at + 2, ends));
  const [, unit] = /^subtract([a-z]+)$/i.exec(name) ?? [];
  const past = unit === undefined ? undefined : pastAt(words, at + 2, ends);
  if (!past || words[past.next] !== ',') return undefined;
  const ms = intervalMs(words[past.next + 1], unit);
  return ms === undefined ? undefined : closed(words, { ms: past.ms + ms, next: past.next + 2 });
};

/** Goes behind the bracket, over arguments of a word each: a time zone, digits. */
const closed = (
  words: readonly string[],
  past: Past | undefined,
  unit?: string,
): Past | undefined => {
  if (!past) return undefined;
  let { next } = past;
  while (words[next] === ',' || /^['\d]/.test(words[next] ?? '')) next += 1;
  if (words[next] !== ')') return undefined;
  return { ms: past.ms, next: next + 1, ...(unit !== undefined && { unit }) };
};

/** `INTERVAL 30 DAY`, `INTERVAL '30 days'`, `toIntervalDay(30)` or, of a `unit`, a number. */
const stepAt = (words: readonly string[], at: number, unit?: string): Past | undefined => {
  const name = words[at] ?? '';
  if (name.toUpperCase() === 'INTERVAL') {
    const [amount, within] = (words[at + 1] ?? '').replaceAll("'", '').trim().split(/\s+/);
    const next = within === undefined ? at + 3 : at + 2;
    return pastOf(intervalMs(amount, within ?? words[at + 2]), next);
  }
  const [, named] = /^toInterval([a-z]+)$/i.exec(name) ?? [];
  if (named !== undefined && words[at + 1] === '(' && words[at + 3] === ')') {
    return pastOf(intervalMs(words[at + 2], named), at + 4);
  }
  return pastOf(intervalMs(name, unit), at + 1);
};

const pastOf = (ms: number | undefined, next: number): Past | undefined =>
  ms === undefined ? undefined : { ms, next };

const dayMs = 86_400_000;
const unitsMs: ReadonlyMap<string, number> = new Map([
  ['SECOND', 1_000],
  ['MINUTE', 60_000],
  ['HOUR', 3_600_000],
  ['DAY', dayMs],
  ['WEEK', 7 * dayMs],
  // The shortest there are.
  ['MONTH', 28 * dayMs],
  ['QUARTER', 90 * dayMs],
  ['YEAR', 365 * dayMs],
]);

const intervalMs = (amount: string | undefined, unit: string | undefined): number | undefined => {
  const eachMs = unitsMs.get((unit ?? '').toUpperCase().replace(/S$/, ''));
  return eachMs !== undefined && /^\d+$/.test(amount ?? '') ? Number(amount) * eachMs : undefined;
};
