import { createHash } from 'node:crypto';
import { periodStartMs } from '../lib/calendar.ts';
import { formatDuration } from '../lib/duration.ts';
import type { SlaObjective, SlaWindow } from '../model/sla.ts';
import type { Computation, RollupJob, Statement } from './run-job.ts';
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
 * A changed definition makes a month of hours due: the other jobs, which what people see hangs on as
 * well, come between them every few seconds.
 */
const turnMsMax = 3_000;
/** A minute is written down this long after its end: exporters send every 5 s. */
const settleMs = 30_000;

const settings = { max_threads: 1, max_memory_usage: 2_000_000_000 };

/**
 * `sla_minutes` from the tiers of spans, `sla_status` from that, hour by hour and each hour while it
 * lasts. Their names follow the definitions: other ones are applied to all that is still kept.
 */
export const createSlaJobs = ({ objectives, lookbackMs }: SlaJobOptions): readonly RollupJob[] => {
  if (objectives.length === 0) return [];
  const hash = createHash('sha256');
  for (const it of objectives) hash.update(`${it.definition}\n`);
  const version = hash.digest('hex').slice(0, 12);
  const parts = {
    isUrgent: true,
    windowMs: hourMs,
    settleMs: -hourMs,
    lookbackMs,
    timeoutMs,
    turnMsMax,
  };
  return [
    {
      ...parts,
      name: `sla_minutes_${version}`,
      changes: hoursWithMinutes,
      run: (computation) => objectives.flatMap((it) => minutesOf(it, computation)),
    },
    {
      ...parts,
      name: `sla_status_${version}`,
      changes: hoursAfterChanges(`sla_minutes_${version}`),
      run: (computation) => objectives.map((it) => statusOf(it, computation)),
    },
  ];
};

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
 * Hours whose minutes, or those before, have yet to be computed for these definitions wait: each
 * would be computed again with every hour before it.
 */
const hoursAfterChanges = (minutesJob: string): string => `
  SELECT Window, max(Latest) OVER (ORDER BY Window ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS Input
  FROM (
    SELECT toStartOfHour(Time) AS Window, max(Version) AS Latest FROM sla_minutes_computed
    WHERE Time >= {since:DateTime} GROUP BY Window
  )
  WHERE Window <= (SELECT max(Window) FROM rollup_progress WHERE Job = '${minutesJob}' AND Window >= {since:DateTime})`;

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
