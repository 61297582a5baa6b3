import type { Dashboard } from './panel.ts';

const sla = '${sla:sqlstring}';
const objective = '${objective:sqlstring}';

/** Minutes become points; what a point says is what its last minute said. */
const point =
  "toDateTime(intDiv(toUnixTimestamp(r.Time), greatest(60, $__interval_s)) * greatest(60, $__interval_s), 'UTC') AS time";
const chosen = `r.Sla = ${sla} AND r.Objective = ${objective} AND $__timeFilter(r.Time)`;

export const slas: Dashboard = {
  uid: 'tocsin-slas',
  title: 'Tocsin / SLAs',
  about: 'What was promised, how it stands, and how fast error budgets are spent.',
  variables: [
    { name: 'sla', label: 'SLA', sql: 'SELECT DISTINCT Sla FROM sla_status_computed ORDER BY Sla' },
    {
      name: 'objective',
      label: 'Objective',
      sql: `SELECT DISTINCT Objective FROM sla_status_computed WHERE Sla = ${sla} ORDER BY Objective`,
    },
  ],
  panels: [
    {
      title: 'SLAs at the end of the range',
      about: 'As of the last minute that was computed within an hour before it.',
      kind: 'table',
      width: 24,
      units: {
        compliance: 'percentunit',
        required: 'percentunit',
        budget_left: 'percentunit',
      },
      sql: `SELECT r.Sla AS sla, r.Objective AS objective, argMax(r.Type, r.Time) AS type, argMax(r.ServiceName, r.Time) AS service,
  argMax(r.Window, r.Time) AS window, argMax(r.Compliance, r.Time) AS compliance, argMax(r.Required, r.Time) AS required,
  argMax(r.Compliant, r.Time) AS compliant, argMax(r.BudgetRemainingShare, r.Time) AS budget_left,
  argMax(r.BurnRate1h, r.Time) AS burn_rate_1h, argMax(r.BurnRate6h, r.Time) AS burn_rate_6h, max(r.Time) AS at
FROM sla_status AS r
WHERE r.Time >= $__toTime - INTERVAL 1 HOUR AND r.Time <= $__toTime
GROUP BY r.Sla, r.Objective ORDER BY compliant, budget_left`,
    },
    {
      title: '$sla $objective: compliance',
      about: 'Good requests as share of all in the window of the SLA.',
      kind: 'timeseries',
      width: 12,
      unit: 'percentunit',
      sql: `SELECT ${point}, argMax(r.Compliance, r.Time) AS compliance, argMax(r.Required, r.Time) AS required
FROM sla_status AS r WHERE ${chosen}
GROUP BY time ORDER BY time`,
    },
    {
      title: '$sla $objective: error budget left',
      kind: 'timeseries',
      width: 12,
      unit: 'percentunit',
      sql: `SELECT ${point}, argMax(r.BudgetRemainingShare, r.Time) AS budget_left
FROM sla_status AS r WHERE ${chosen}
GROUP BY time ORDER BY time`,
    },
    {
      title: '$sla $objective: burn rates',
      about: 'Bad requests as multiples of what the budget allows; the greatest of each point.',
      kind: 'timeseries',
      width: 12,
      sql: `SELECT ${point}, max(r.BurnRate5m) AS "5m", max(r.BurnRate1h) AS "1h", max(r.BurnRate6h) AS "6h", max(r.BurnRate3d) AS "3d"
FROM sla_status AS r WHERE ${chosen}
GROUP BY time ORDER BY time`,
    },
    {
      title: '$sla $objective: minutes by day',
      about:
        'Minutes in which the promise was broken, and those that planned maintenance excludes (UTC).',
      kind: 'table',
      width: 12,
      units: { good_share: 'percentunit' },
      sql: `SELECT toDate(r.Time) AS day, countIf(r.Breached = 1 AND r.Excluded = 0) AS breached, countIf(r.Excluded = 1) AS excluded,
  countIf(r.Total > 0) AS minutes, sumIf(r.Good, r.Excluded = 0) / nullIf(sumIf(r.Total, r.Excluded = 0), 0) AS good_share
FROM sla_status AS r WHERE ${chosen}
GROUP BY day ORDER BY day DESC`,
    },
  ],
};
