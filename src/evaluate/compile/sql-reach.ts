import type { SqlPlan } from '../rules/signal-plan.ts';
import { reachMs } from './span-tiers.ts';
import { type Ends, pastAt, wordsOf } from './sql-time.ts';
import type { Stored } from './stored.ts';

export interface SqlReach {
  /** How far back the query asks for rows, milliseconds. */
  readonly farMs: number;
  readonly table: string;
  readonly keptMs: number;
  /** Key of the configuration that says so. */
  readonly key: string;
}

/**
 * The SELECT, in SQL that a person wrote, that asks furthest beyond what is kept. Only what is certain
 * counts: its WHERE bounds the time of a row from below by `{from:DateTime64(9)}` or the like of
 * `now() - INTERVAL 30 DAY`, nothing loosens that, and all that stands behind its FROM are tables of
 * which it is known how long they are kept.
 */
export const sqlReach = ({ sql, window }: SqlPlan, stored: Stored): SqlReach | undefined => {
  const words = wordsOf(sql);
  const own = new Set(
    words.filter((_, at) => isWord(words[at + 1], 'AS') && words[at + 2] === '('),
  );
  let worst: SqlReach | undefined;
  for (const select of selectsOf(words, { fromMs: reachMs(window), toMs: window.offsetMs })) {
    const { tables, boundsMs } = select;
    const longest = own.isDisjointFrom(new Set(tables)) ? keptLongest(tables, stored) : undefined;
    if (!longest || boundsMs.length === 0) continue;
    const farMs = Math.min(...boundsMs);
    if (farMs - longest.keptMs > (worst ? worst.farMs - worst.keptMs : 0)) {
      worst = { ...longest, farMs };
    }
  }
  return worst;
};

type Kept = Omit<SqlReach, 'farMs'>;

/** Undefined when of one of them it is not known. */
const keptLongest = (tables: readonly string[], stored: Stored): Kept | undefined => {
  const all = tables.map((it) => keptOf(it, stored));
  let longest = all[0];
  for (const it of all) {
    if (it === undefined) return undefined;
    if (longest && it.keptMs > longest.keptMs) longest = it;
  }
  return longest;
};

const keptOf = (table: string, stored: Stored): Kept | undefined => {
  const { spansKeptMs, metricsKeptMs, cachesKeptMs, logsKeptMs } = stored;
  if (table === 'otel_traces') {
    return { table, keptMs: spansKeptMs.raw, key: 'retention.traces.raw' };
  }
  if (table === 'otel_logs') return { table, keptMs: logsKeptMs, key: 'retention.logs' };
  if (pointTables.test(table)) {
    return { table, keptMs: metricsKeptMs.raw, key: 'retention.metrics.raw' };
  }
  const [, name, family, tier = '1m'] = tierTables.exec(table) ?? [];
  if (name === undefined || (tier !== '1m' && tier !== '1h' && tier !== '1d')) return undefined;
  if (name === 'metric_rollup') {
    return { table, keptMs: metricsKeptMs[tier], key: `retention.metrics.${tier}` };
  }
  const keptMs = (family === undefined ? spansKeptMs : cachesKeptMs)[tier];
  return { table, keptMs, key: `retention.spans.${tier}` };
};

const pointTables =
  /^otel_metrics_(?:gauge|sum|summary|histogram|exponential_histogram|exp_histogram)$/;
/** A row for each minute, or hour or day as the name ends. */
const tierTables =
  /^(span_rollup|request_metrics|request_metrics_by_operation|service_edges|service_dependencies|metric_rollup|(cache_rollup|cache_performance|cache_requests|cache_miss_cost))(?:_(1m|1h|1d))?$/;

interface Select {
  /** What stands behind FROM and JOIN; what is no table has a name that no table has. */
  readonly tables: readonly string[];
  /** Lower bounds, all of which must hold, milliseconds before now. */
  readonly boundsMs: readonly number[];
}

interface Open {
  readonly tables: string[];
  boundsMs: number[];
  clause: 'from' | 'where' | 'other';
  /** Brackets within it, which are no SELECT. */
  depth: number;
  isLoose: boolean;
}

const notATable = '(';
const times = /^(?:Timestamp|TimestampTime|TimeUnix|Time)$/;
const combines = /^(?:UNION|EXCEPT|INTERSECT)$/i;
/** What may follow a condition that stands by itself. */
const isOver =
  /^(?:AND|WHERE|GROUP|ORDER|HAVING|LIMIT|WINDOW|QUALIFY|SETTINGS|UNION|EXCEPT|INTERSECT|\)|;|)$/i;

const isWord = (word: string | undefined, name: string): boolean => word?.toUpperCase() === name;

const opened = (): Open => ({
  tables: [],
  boundsMs: [],
  clause: 'other',
  depth: 0,
  isLoose: false,
});

/** Each SELECT, with those in brackets, by itself. */
const selectsOf = (words: readonly string[], ends: Ends): readonly Select[] => {
  const done: Open[] = [];
  const stack: Open[] = [opened()];
  for (const [at, word] of words.entries()) {
    const select = stack.at(-1);
    if (!select) break;
    if (word === '(') {
      if (isWord(words[at + 1], 'SELECT') || isWord(words[at + 1], 'WITH')) stack.push(opened());
      else select.depth += 1;
    } else if (word === ')') {
      if (select.depth > 0) select.depth -= 1;
      else done.push(...stack.splice(-1));
    } else if (select.depth === 0) {
      if (combines.test(word)) done.push(...stack.splice(-1, 1, opened()));
      else read(select, words, at, ends);
    }
  }
  return [...done, ...stack].filter((it) => !it.isLoose);
};

/** One word of a SELECT that is in no bracket of its. */
const read = (select: Open, words: readonly string[], at: number, ends: Ends): void => {
  const word = (words[at] ?? '').toUpperCase();
  if (word === 'FROM' || (word === 'JOIN' && !isWord(words[at - 1], 'ARRAY'))) {
    select.clause = 'from';
    select.tables.push(tableAt(words, at + 1));
  } else if (word === ',' && select.clause === 'from') {
    select.tables.push(notATable);
  } else if (word === 'WHERE' || word === 'PREWHERE') {
    select.clause = 'where';
  } else if (/^(?:JOIN|GROUP|ORDER|HAVING|LIMIT|WINDOW|QUALIFY|SETTINGS|ON|USING)$/.test(word)) {
    select.clause = 'other';
  } else if (select.clause === 'where') {
    if (word === 'OR' || word === 'XOR' || word === '?') select.isLoose = true;
    const ms = lowerBoundMs(words, at, ends);
    if (ms !== undefined) select.boundsMs.push(ms);
  }
};

/** A name, without that of a database before it. */
const tableAt = (words: readonly string[], at: number): string => {
  const nameAt = words[at + 1] === '.' ? at + 2 : at;
  return words[nameAt + 1] === '(' ? notATable : (words[nameAt] ?? notATable);
};

/** `column > time`, `function(column) >= time` or `column BETWEEN time AND …`. */
const lowerBoundMs = (words: readonly string[], at: number, ends: Ends): number | undefined => {
  const word = words[at] ?? '';
  const isBetween = isWord(word, 'BETWEEN');
  if (word !== '>' && word !== '>=' && !isBetween) return undefined;
  const past = pastAt(words, at + 1, ends);
  if (!past || !isOver.test(words[past.next] ?? '')) return undefined;
  const isWithin = words[at - 1] === ')';
  const columnAt = isWithin ? at - 2 : at - 1;
  if (!times.test(words[columnAt] ?? '')) return undefined;
  // Before it, without the function or the name of a table.
  const before = isWithin || words[columnAt - 1] === '.' ? columnAt - 3 : columnAt - 1;
  return /^(?:WHERE|PREWHERE|AND)$/i.test(words[before] ?? '') ? past.ms : undefined;
};
