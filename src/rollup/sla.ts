import { periodStartMs } from '../lib/calendar.ts';
import { formatDuration } from '../lib/duration.ts';
import type { SlaObjective, SlaWindow } from '../model/sla.ts';
import {
  type Computation,
  computedPartsSql,
  partOf,
  type RollupJob,
  type Statement,
} from './run-job.ts';
import { burnMinutesMax, slaMinutesSql, slaStatusSql } from './sla-sql.ts';

export interface SlaJobOptions {
  readonly objectives: readonly SlaObjective[];
  /** How late spans, and exclusions, may come and still count. Not longer than the minutes are kept. */
  readonly lookbackMs: number;
}

const minuteMs = 60_000;
const hourMs = 3_600_000;
const timeoutMs = 120_000;
/**
 * A changed definition makes a month of hours due for its objective: the other jobs, which what people
 * see hangs on as well, come between them every few seconds.
 */
const turnMsMax = 3_000;
/** A minute is written down this long after its end: exporters send every 5 s. */
const settleMs = 30_000;

const settings = { max_threads: 1, max_memory_usage: 2_000_000_000 };

/**
 * `sla_minutes` from the tiers of spans, `sla_status` from that, hour by hour and each hour while it
 * lasts. Each objective is a part with progress of its own: another definition of one is applied
 * to all that is still kept, and the others are left alone.
 */
export const createSlaJobs = ({ objectives, lookbackMs }: SlaJobOptions): readonly RollupJob[] => {
  if (objectives.length === 0) return [];
  const parts = objectives.map((it) => partOf(subjectOf(it), it.definition));
  const chosen = (computation: Computation): readonly SlaObjective[] =>
    objectives.filter((_, index) => computation.parts?.has(parts[index] ?? '') ?? true);
  const common = {
    parts,
    changesParameters: {
      slas: objectives.map((it) => it.sla),
      objectives: objectives.map((it) => it.objective),
    },
    isUrgent: true,
    windowMs: hourMs,
    settleMs: -hourMs,
    lookbackMs,
    timeoutMs,
    turnMsMax,
  };
  return [
    {
      ...common,
      name: minutesJob,
      changes: `SELECT *, arrayJoin({parts:Array(String)}) AS Part FROM (${hoursWithMinutes})`,
      run: (computation) => chosen(computation).flatMap((it) => minutesOf(it, computation)),
    },
    {
      ...common,
      name: 'sla_status',
      changes: hoursAfterChanges,
      run: (computation) => chosen(computation).map((it) => statusOf(it, computation)),
    },
  ];
};

const minutesJob = 'sla_minutes';

const subjectOf = ({ sla, objective }: SlaObjective): string => `${sla}\0${objective}`;

/** Each hour since the first span, whether it has any or not: grows with its spans and its minutes. */
const hoursWithMinutes = `
  SELECT hour.Window AS Window, toUInt64(arrived.Spans + least(60, intDiv(dateDiff('second', hour.Window, now()) - ${settleMs / 1_000}, 60))) AS Input
  FROM (
    SELECT arrayJoin(range(toUInt32(toStartOfHour(min(Time))), toUInt32(now()) - ${settleMs / 1_000 + minuteMs / 1_000}, 3600)) AS Start, toDateTime(Start, 'UTC') AS Window
    FROM span_arrivals WHERE Time >= {since:DateTime} HAVING count() > 0
  ) AS hour
  LEFT JOIN (
    SELECT toStartOfHour(Time) AS Window, sum(Spans) AS Spans FROM span_arrivals
    WHERE Time >= {since:DateTime} GROUP BY Window
  ) AS arrived USING Window`;

/**
 * What changed in an hour also changes how every later one stands. Input is the time of that change.
 * Hours whose minutes, or those before, have yet to be computed for this definition wait: each
 * would be computed again with every hour before it.
 */
const hoursAfterChanges = `
  SELECT Window, Part, Input
  FROM (
    SELECT Hash, Window, max(Latest) OVER (PARTITION BY Hash ORDER BY Window ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS Input
    FROM (
      SELECT cityHash64(Sla, Objective) AS Hash, toStartOfHour(Time) AS Window, max(Version) AS Latest FROM sla_minutes_computed
      WHERE Time >= {since:DateTime} GROUP BY Hash, Window
    )
  ) AS changed
  JOIN (
    SELECT arrayJoin(arrayZip({slas:Array(String)}, {objectives:Array(String)}, {parts:Array(String)})) AS it, cityHash64(it.1, it.2) AS Hash, it.3 AS Part
  ) AS wanted USING Hash
  JOIN (
    SELECT Last AS Part, max(Window) AS UpTo FROM (${computedPartsSql(minutesJob)}) GROUP BY Part
  ) AS reached USING Part
  WHERE Window <= UpTo`;

const minutesOf = (
  objective: SlaObjective,
  { fromMs, toMs, versionMs }: Computation,
): readonly Statement[] => {
  const minutes = Math.floor((Math.min(toMs, versionMs - settleMs) - fromMs) / minuteMs);
  if (minutes <= 0) return [];
  const reasons = Array.from(
    { length: minutes },
    (_, index) => objective.exclusionAt(fromMs + index * minuteMs) ?? '',
  );
  return [
    {
      sql: slaMinutesSql(objective),
      settings,
      parameters: {
        ...objective.firstRequest.parameters,
        ...objective.minutes.parameters,
        ...identityOf(objective),
        ...boundsOf({ fromMs, toMs, versionMs }),
        minutes,
        reasons,
        target: objective.target,
        required: requiredOf(objective),
        budget: objective.budget === undefined ? -1 : exactly(objective.budget),
        window: windowText(objective.window),
        source: objective.source,
        definition: objective.definition,
      },
    },
  ];
};

const statusOf = (objective: SlaObjective, computation: Computation): Statement => {
  const { window } = objective;
  const over = window.kind === 'rolling' ? Math.max(1, Math.ceil(window.overMs / minuteMs)) : 0;
  const opened =
    window.kind === 'rolling'
      ? over
      : (computation.fromMs - periodStartMs(window.period, computation.fromMs)) / minuteMs;
  return {
    sql: slaStatusSql(window.kind),
    settings,
    parameters: {
      ...identityOf(objective),
      ...boundsOf(computation),
      before: Math.max(burnMinutesMax, opened),
      ...(window.kind === 'rolling' ? { over } : { opened }),
    },
  };
};

const identityOf = ({ sla, objective, type, service }: SlaObjective) => ({
  sla,
  objective,
  type,
  service,
});

const boundsOf = ({ fromMs, toMs, versionMs }: Omit<Computation, 'input'>) => ({
  from: fromMs / 1_000,
  to: toMs / 1_000,
  version: versionMs,
});

/** Of what was promised; all of it where no budget is. */
const requiredOf = ({ budget }: SlaObjective): number =>
  budget === undefined ? 1 : exactly(1 - budget);

/** 0.001 where 1 - 0.999 gives a little more. */
const exactly = (share: number): number => Number(share.toPrecision(12));

const windowText = (window: SlaWindow): string =>
  window.kind === 'calendar' ? window.period : formatDuration(window.overMs);
