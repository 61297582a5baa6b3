import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { Query } from '../model/query.ts';
import type { ObjectiveReport, SlaReport, SlaReportAsk, Stretch } from '../model/sla-report.ts';
import { definitionsSql, evidenceSql, incidentsSql, objectivesSql } from './sla-report-sql.ts';

/** Undefined when nothing was written down of such an SLA in that month. */
export type SlaReports = (ask: SlaReportAsk) => Promise<SlaReport | undefined>;

const timeoutMs = 30_000;
/** Spans of the last minute may still be on their way for this long. */
const closingMs = 3_600_000;

/**
 * Reports of a month out of `sla_minutes` and `alert_events`. The clock only decides whether the month
 * is over: asked again, the same rows give the same bytes. Rejects with ERR_SLA_MONTH_OPEN.
 */
export const createSlaReports =
  (query: Query, clock: Clock): SlaReports =>
  async ({ sla, month, soFar }) => {
    const [year = 0, number = 0] = month.split('-').map(Number);
    const [fromMs, toMs] = [Date.UTC(year, number - 1), Date.UTC(year, number)];
    const open = clock.nowMs() < toMs + closingMs;
    if (open && !soFar) {
      const message = `${month} is closed an hour after it is over; until then there is a report so far`;
      throw new Fault('ERR_SLA_MONTH_OPEN', message, { remedy: 'reject' });
    }
    const ask = {
      timeoutMs,
      // One thread adds up in one order, so that sums of fractions are the same every time.
      settings: { max_threads: 1 },
      parameters: {
        sla,
        from: fromMs / 1_000,
        to: toMs / 1_000,
        fromMs,
        toMs,
        closedMs: toMs + closingMs,
        soFar: open ? 1 : 0,
      },
    };
    const objectives = await query<ObjectiveRow>(objectivesSql, ask);
    const [first] = objectives;
    if (!first) return undefined;
    const definitions = await query<DefinitionRow>(definitionsSql, ask);
    const incidents = await query<IncidentRow>(incidentsSql, ask);
    const [evidence] = await query<EvidenceRow>(evidenceSql, ask);
    const last = Math.max(...objectives.map((it) => it.last)) + 60;
    return {
      sla,
      service: first.service,
      type: first.type,
      month,
      from: iso(fromMs),
      to: iso(toMs),
      until: open ? iso(last * 1_000) : null,
      objectives: objectives.map((it) => reportOf(it, definitions, (toMs - fromMs) / minuteMs)),
      incidents: incidents.map(({ alert, name, objective, severity, firedMs, resolvedMs }) => ({
        alert,
        name,
        objective,
        severity,
        fired: iso(firedMs),
        resolved: resolvedMs > 0 ? iso(resolvedMs) : null,
      })),
      evidence: {
        rows: evidence?.rows ?? 0,
        sha256: evidence?.sha256 ?? '',
        later: evidence?.later ?? 0,
        changed: iso(evidence?.changedMs ?? 0),
      },
    };
  };

const minuteMs = 60_000;

interface ObjectiveRow {
  readonly objective: string;
  readonly type: string;
  readonly service: string;
  readonly target: number;
  readonly budget: number | null;
  readonly requests: number;
  readonly errors: number;
  readonly good: number;
  readonly total: number;
  readonly countedMinutes: number;
  readonly percentile: number | null;
  readonly recorded: number;
  readonly last: number;
  readonly breached: readonly (readonly [seconds: number, value: number])[];
  readonly excluded: readonly (readonly [seconds: number, reason: string])[];
  readonly missing: readonly (readonly [from: number, to: number])[];
}

interface DefinitionRow {
  readonly objective: string;
  readonly definition: string;
  readonly target: number;
  readonly window: string;
  readonly source: string;
  readonly since: number;
  readonly minutes: number;
}

interface IncidentRow {
  readonly alert: string;
  readonly name: string;
  readonly objective: string;
  readonly severity: string;
  readonly firedMs: number;
  readonly resolvedMs: number;
}

interface EvidenceRow {
  readonly rows: number;
  readonly sha256: string;
  readonly later: number;
  readonly changedMs: number;
}

const reportOf = (
  row: ObjectiveRow,
  definitions: readonly DefinitionRow[],
  monthMinutes: number,
): ObjectiveReport => {
  const { objective, type, target, requests, errors, good, total } = row;
  const above = type === 'error_rate' || type === 'response_time';
  const achieved = achievedOf(row);
  return {
    objective,
    unit: type === 'throughput' ? 'per-second' : type === 'response_time' ? 'seconds' : 'ratio',
    target,
    achieved,
    met: achieved === null ? null : above ? achieved <= target : achieved >= target,
    requests,
    errors,
    good,
    total,
    budget: budgetOf(row),
    minutes: {
      month: monthMinutes,
      recorded: row.recorded,
      excluded: row.excluded.length,
      breached: row.breached.length,
    },
    breaches: stretchesOf(row.breached, () => true).map(({ stretch, values }) => ({
      ...stretch,
      worst: above ? Math.max(...values) : Math.min(...values),
    })),
    exclusions: stretchesOf(row.excluded, (a, b) => a === b).map(({ stretch, values }) => ({
      ...stretch,
      reason: values[0] ?? '',
    })),
    missing: row.missing.map(([from, to]) => stretchOf(from, to)),
    definitions: definitions
      .filter((it) => it.objective === objective)
      .map(({ definition, since, target: promised, window, source, minutes }) => ({
        definition,
        since: iso(since * 1_000),
        target: promised,
        window,
        source,
        minutes,
      })),
  };
};

const achievedOf = (row: ObjectiveRow): number | null => {
  const { type, requests, errors, good, countedMinutes, percentile } = row;
  if (type === 'throughput') return countedMinutes > 0 ? good / (60 * countedMinutes) : null;
  if (type === 'response_time') return percentile;
  if (requests === 0) return null;
  return type === 'error_rate' ? errors / requests : good / requests;
};

const budgetOf = ({ budget, good, total }: ObjectiveRow): ObjectiveReport['budget'] => {
  if (budget === null) return null;
  // What is shown must add up: a millionth of a request is nobody's.
  const [mayBeBad, bad] = [total * budget, total - good].map((it) => Number(it.toFixed(6)));
  if (mayBeBad === undefined || bad === undefined) return null;
  const remaining = Number((mayBeBad - bad).toFixed(6));
  return {
    share: budget,
    total: mayBeBad,
    consumed: bad,
    remaining,
    left: mayBeBad > 0 ? Number((remaining / mayBeBad).toFixed(6)) : null,
  };
};

/** Minutes that follow one another, with values that go together. */
const stretchesOf = <T>(
  minutes: readonly (readonly [seconds: number, value: T])[],
  together: (a: T, b: T) => boolean,
): readonly { readonly stretch: Stretch; readonly values: readonly T[] }[] => {
  const found: { from: number; to: number; values: T[] }[] = [];
  for (const [seconds, value] of minutes) {
    const last = found.at(-1);
    const before = last?.values.at(-1);
    if (last && before !== undefined && last.to === seconds && together(before, value)) {
      last.to = seconds + 60;
      last.values.push(value);
    } else found.push({ from: seconds, to: seconds + 60, values: [value] });
  }
  return found.map(({ from, to, values }) => ({ stretch: stretchOf(from, to), values }));
};

const stretchOf = (from: number, to: number): Stretch => ({
  from: iso(from * 1_000),
  to: iso(to * 1_000),
  minutes: (to - from) / 60,
});

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
