const ofMonth = 'Sla = {sla:String} AND Time >= {from:DateTime} AND Time < {to:DateTime}';

/** Percentile of the whole month by the README's expressions; `Required` is its level. */
const percentile = `
    sumMapIf(Sketch, counts) AS sketch, arrayCumSum(mapValues(sketch)) AS below,
    mapKeys(sketch)[arrayFirstIndex(n -> n >= required * below[-1], below)] AS bucket,
    if(empty(below), NULL, least(toFloat64(maxIf(DurationMax, counts)), greatest(toFloat64(minIf(DurationMin, counts AND Requests > 0)),
      sign(bucket) * exp2((abs(bucket) - 16380) / 35) * 0.990098221046997)) / 1e9) AS percentile`;

/** A row for each objective. Times are Unix seconds. */
export const objectivesSql = `
  WITH NOT Excluded AS counts
  SELECT Objective AS objective, any(Type) AS type, any(ServiceName) AS service,
    argMax(Target, Time) AS target, argMax(Required, Time) AS required, argMax(Budget, Time) AS budget,
    round(sumIf(Requests, counts), 6) AS requests, round(sumIf(Errors, counts), 6) AS errors,
    round(sumIf(Good, counts), 6) AS good, round(sumIf(Total, counts), 6) AS total,
    toFloat64(countIf(counts AND Total > 0)) AS countedMinutes,${percentile},
    toFloat64(count()) AS recorded, toFloat64(max(toUnixTimestamp(Time))) AS last,
    arraySort(groupArrayIf((toUnixTimestamp(Time), assumeNotNull(Value)), counts AND Breached)) AS breached,
    arraySort(groupArrayIf((toUnixTimestamp(Time), toString(Exclusion)), Excluded)) AS excluded,
    arraySort(groupArray(toUnixTimestamp(Time))) AS times,
    arrayFilter(it -> it.1 < it.2, arrayZip(
      arrayPushFront(arrayMap(it -> toUInt32(it + 60), times), toUInt32({from:DateTime})),
      arrayPushBack(times, toUInt32(least({to:DateTime}, if({soFar:UInt8}, toDateTime(last + 60), {to:DateTime}))))
    )) AS missing
  FROM sla_minutes_computed FINAL
  WHERE ${ofMonth}
  GROUP BY Objective ORDER BY Objective`;

export const definitionsSql = `
  SELECT Objective AS objective, Definition AS definition, Target AS target, Window AS window, Source AS source,
    toFloat64(toUnixTimestamp(min(Time))) AS since, toFloat64(count()) AS minutes
  FROM sla_minutes_computed FINAL
  WHERE ${ofMonth}
  GROUP BY objective, definition, target, window, source ORDER BY objective, since, definition, target, window, source`;

export const evidenceSql = `
  SELECT toFloat64(count()) AS rows, toFloat64(countIf(Version >= {closedMs:UInt64})) AS later, toFloat64(max(Version)) AS changedMs,
    lower(hex(SHA256(arrayStringConcat(arraySort(groupArray(concat(Objective, ' ', toString(toUnixTimestamp(Time)), ' ', toString(Digest)))), '\\n')))) AS sha256
  FROM sla_minutes_computed FINAL
  WHERE ${ofMonth}`;

/** Alerts that fired before the end of the month and were not resolved before its start. */
export const incidentsSql = `
  SELECT AlertId AS alert, any(AlertName) AS name, any(Labels['objective']) AS objective, argMax(Severity, (At, TransitionId)) AS severity,
    toFloat64(toUnixTimestamp64Milli(minIf(At, Change = 'fired'))) AS firedMs,
    toFloat64(toUnixTimestamp64Milli(maxIf(At, Change = 'resolved'))) AS resolvedMs
  FROM alert_events
  WHERE Labels['sla'] = {sla:String} AND At < fromUnixTimestamp64Milli({toMs:Int64})
  GROUP BY AlertId
  HAVING firedMs > 0 AND (resolvedMs = 0 OR resolvedMs >= {fromMs:Int64})
  ORDER BY firedMs, AlertId`;
