import type { SlaObjective } from '../model/sla.ts';

const identity = ['Time', 'Sla', 'Objective', 'Type', 'ServiceName'] as const;

const minuteColumns = [
  ...identity,
  ...['Requests', 'Errors', 'Good', 'Total', 'Value', 'Target', 'Required', 'Budget', 'Window'],
  ...['Breached', 'Excluded', 'Exclusion', 'DurationMin', 'DurationMax', 'Sketch'],
  ...['Source', 'Definition'],
] as const;

/** Sums of counts that are no whole numbers depend on the order of adding them up, but not so far up. */
const exact = (sql: string): string => `round(${sql}, 6)`;

/**
 * A row for each of the first `{minutes}` minutes of an hour, with and without requests; only those
 * that say something else than what is there. `reasons` has one text a minute, empty where it counts.
 */
export const slaMinutesSql = (objective: SlaObjective): string => {
  const { type, breachedWhen } = objective;
  const throughput = type === 'throughput';
  const value = throughput
    ? 'if(Total = 0, NULL, Requests / 60)'
    : 'if(Requests = 0, NULL, found.value)';
  const total = throughput
    ? 'if(First > 0 AND toUnixTimestamp(Time) > First, {target:Float64} * 60, 0)'
    : 'Requests';
  const wrong = breachedWhen === 'below' ? '<' : '>';
  return insertChanged(
    'sla_minutes_computed',
    minuteColumns,
    `WITH toUnixTimestamp((${objective.firstRequest.sql})) AS First
  SELECT toDateTime({from:DateTime} + 60 * minute.number, 'UTC') AS Time,
    {sla:String} AS Sla, {objective:String} AS Objective, {type:String} AS Type, {service:String} AS ServiceName,
    ${exact('found.requests')} AS Requests, ${exact('found.errors')} AS Errors,
    ${throughput ? 'if(Total = 0, 0, Requests)' : exact('found.good')} AS Good, ${total} AS Total, ${value} AS Value,
    {target:Float64} AS Target, {required:Float64} AS Required, nullIf({budget:Float64}, -1) AS Budget, {window:String} AS Window,
    toUInt8(Total > 0 AND ifNull(Value ${wrong} Target, 0)) AS Breached,
    toUInt8(Exclusion != '') AS Excluded, {reasons:Array(String)}[minute.number + 1] AS Exclusion,
    found.durationMin AS DurationMin, found.durationMax AS DurationMax,
    mapApply((bucket, n) -> (bucket, ${exact('n')}), found.sketch) AS Sketch,
    {source:String} AS Source, {definition:String} AS Definition
  FROM numbers({minutes:UInt32}) AS minute
  LEFT JOIN (
${objective.minutes.sql}
  ) AS found ON found.minute = toDateTime({from:DateTime} + 60 * minute.number, 'UTC')`,
  );
};

/** Minutes that burn rates are told for, with their columns. */
const burnWindows = [
  ['BurnRate5m', 5],
  ['BurnRate30m', 30],
  ['BurnRate1h', 60],
  ['BurnRate6h', 360],
  ['BurnRate1d', 1_440],
  ['BurnRate3d', 4_320],
] as const;

export const burnMinutesMax = 4_320;

const statusColumns = [
  ...identity,
  ...[
    'Good',
    'Total',
    'Value',
    'Target',
    'Required',
    'Breached',
    'Excluded',
    'Window',
    'WindowStart',
  ],
  ...['WindowGood', 'WindowTotal', 'Compliance', 'Compliant'],
  ...['BudgetTotal', 'BudgetConsumed', 'BudgetRemaining', 'BudgetRemainingShare'],
  ...burnWindows.map(([column]) => column),
  'Definition',
] as const;

/**
 * How an objective stands after each minute of an hour. What was good and bad in the `{before}` minutes
 * before the hour and in the hour itself is summed up from the start; a window is what its end has
 * more than its start. `{opened}`: minutes that the window began before the hour, its length less one
 * where it rolls on with each minute.
 */
export const slaStatusSql = (window: 'rolling' | 'calendar'): string => {
  const slices = burnWindows.map(
    ([, minutes]) =>
      `arrayMap((b, b0, n, n0) -> (b - b0, n - n0), ${endsOf('bad')}, ${startsOf('bad', String(minutes))}, ${endsOf('total')}, ${startsOf('total', String(minutes))})`,
  );
  const own = (name: string): string =>
    window === 'rolling'
      ? startsOf(name, '{over:UInt32}')
      : `arrayWithConstant(length(minutes), ${name}[{before:UInt32} - {opened:UInt32} + 1])`;
  const sums = [
    `arrayMap((b, b0, n, n0) -> (b - b0, n - n0), ${endsOf('bad')}, ${own('bad')}, ${endsOf('total')}, ${own('total')})`,
    ...slices,
  ];
  const begins =
    window === 'rolling'
      ? 'Time + 60 - 60 * {over:UInt32}'
      : '{from:DateTime} - 60 * {opened:UInt32}';
  const rates = burnWindows.map(
    ([column], index) =>
      `if(sums.${index + 2}.2 > 0, ${exact(`sums.${index + 2}.1 / sums.${index + 2}.2 / Budget`)}, NULL) AS ${column}`,
  );
  return insertChanged(
    'sla_status_computed',
    statusColumns,
    `SELECT row.1 AS Time, {sla:String} AS Sla, {objective:String} AS Objective, {type:String} AS Type, {service:String} AS ServiceName,
    row.2 AS Good, row.3 AS Total, row.4 AS Value, row.5 AS Target, row.6 AS Required, row.7 AS Breached, row.8 AS Excluded,
    row.9 AS Window, toDateTime(${begins}, 'UTC') AS WindowStart,
    ${exact('sums.1.2 - sums.1.1')} AS WindowGood, ${exact('sums.1.2')} AS WindowTotal,
    if(WindowTotal > 0, WindowGood / WindowTotal, NULL) AS Compliance, toUInt8(ifNull(Compliance >= Required, 1)) AS Compliant,
    row.10 AS Budget, WindowTotal * Budget AS BudgetTotal,
    if(isNull(Budget), NULL, WindowTotal - WindowGood) AS BudgetConsumed, BudgetTotal - BudgetConsumed AS BudgetRemaining,
    if(BudgetTotal > 0, BudgetRemaining / BudgetTotal, NULL) AS BudgetRemainingShare,
    ${rates.join(',\n    ')},
    row.11 AS Definition
  FROM (
    SELECT minutes, arrayZip(${sums.join(',\n      ')}) AS sums
    FROM (
      SELECT arraySort(it -> it.1, groupArrayIf((Time, Good, Total, Value, Target, Required, Breached, Excluded, Window, Budget, Definition), Time >= {from:DateTime})) AS minutes,
        ${summedUp('if(Excluded, 0, Total - Good)')} AS bad,
        ${summedUp('if(Excluded, 0, Total)')} AS total
      FROM sla_minutes_computed FINAL
      WHERE Sla = {sla:String} AND Objective = {objective:String} AND Time >= {from:DateTime} - 60 * {before:UInt32} AND Time < {to:DateTime}
    )
  ) ARRAY JOIN minutes AS row, sums`,
  );
};

/** Element k + 1 is the sum over the first k minutes. */
const summedUp = (sql: string): string =>
  `arrayPushFront(arrayCumSum(groupArrayInsertAt(0., {before:UInt32} + 60)(toFloat64(${sql}), toUInt32(intDiv(Time - ({from:DateTime} - 60 * {before:UInt32}), 60)))), 0.)`;

/** The sums up to the end of each minute of the hour. */
const endsOf = (name: string): string =>
  `arraySlice(${name}, {before:UInt32} + 2, length(minutes))`;

const startsOf = (name: string, minutes: string): string =>
  `arraySlice(${name}, {before:UInt32} + 2 - ${minutes}, length(minutes))`;

/** Rows that are there already, with the same words, stay: their version tells since when. */
const insertChanged = (table: string, columns: readonly string[], select: string): string => {
  const list = columns.join(', ');
  return `INSERT INTO ${table} (${list}, Digest, Version)
SELECT ${list}, Digest, {version:UInt64} AS Version
FROM (
  SELECT ${list}, cityHash64(${columns.map(hashable).join(', ')}) AS Digest
  FROM (
  ${select}
  )
) AS computed
LEFT ANTI JOIN (
  SELECT Time, Digest FROM ${table} FINAL
  WHERE Sla = {sla:String} AND Objective = {objective:String} AND Time >= {from:DateTime} AND Time < {to:DateTime}
) AS known USING (Time, Digest)`;
};

/** NULL must not hash like nothing at all. */
const hashable = (column: string): string => {
  if (column === 'Sketch') return 'mapKeys(Sketch), mapValues(Sketch)';
  return `toString(ifNull(toString(${column}), 'null'))`;
};
