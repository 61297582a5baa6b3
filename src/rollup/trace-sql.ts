/** Spans of one trace that are looked at; beyond it only the root, counts and services are exact. */
const spansReadMax = 100_000;
/** Spans of one trace that the critical path is found among: the root and the longest. */
const spansWalkedMax = 2_000;
/** Spans of one critical path that are kept: those with most time of their own. */
const pathSpansMax = 100;
const servicesMax = 1_000;
/** A trace that goes on for longer than this is not waited for: some never end. */
const waitSecondsMax = 300;
/** Far beyond any trace, and still a time when it is added to one. */
const durationNsMax = '4000000000000000000';

/** How long a trace has been quiet when it is summarised first. */
export const quietSeconds = 30;

const touchedSql = `
  SELECT cityHash64(TraceId) FROM otel_traces
  WHERE Timestamp >= toDateTime64({from:DateTime('UTC')}, 9) AND Timestamp < toDateTime64({to:DateTime('UTC')}, 9)
    AND TraceId != '' AND cityHash64(TraceId) % {chunks:UInt32} = {chunk:UInt32}`;

/** By hash: a condition on the ids themselves would ask the index of each granule for each of them. */
const spansRead = `Timestamp >= toDateTime64({readFrom:DateTime('UTC')}, 9)
  AND Timestamp < toDateTime64({readTo:DateTime('UTC')}, 9) AND cityHash64(TraceId) IN (${touchedSql})`;

/** A span id as a number, so that many of them are small, and back. Zero is nobody's id. */
const numberOf = (id: string): string => `reinterpretAsUInt64(unhex(${id}))`;
const spanIdOf = (id: string): string =>
  `if(${id} = 0, '', lower(hex(reinterpretAsFixedString(${id}))))`;

/** Service and span name are one text until they are written. */
const serviceOf = (operation: string): string =>
  `substring(${operation}, 1, position(${operation}, '\\0') - 1)`;
const nameOf = (operation: string): string =>
  `substring(${operation}, position(${operation}, '\\0') + 1)`;

const spanOfTrace = `bitXor(cityHash64(TraceId), ${numberOf('SpanId')})`;

/**
 * As in span_rollup_1m_mv, of failed spans. Attributes are dear to read, so the rollup tells of which
 * operations any timed out. It shows what an insert brings up to some 100 ms after the spans do: a timeout
 * that is missed so is found when the minute is computed again, see `arrivedAndRolledUp`.
 */
const timedOutSql = `
  WITH ['timeout', 'timedout', 'timed_out', 'deadline'] AS words
  SELECT ${spanOfTrace} FROM otel_traces
  PREWHERE StatusCode = 'Error' AND ${spansRead} AND (ServiceName, SpanName) IN (
    SELECT ServiceName, SpanName FROM span_rollup_1m
    WHERE Time >= {readFrom:DateTime('UTC')} AND Time < {readTo:DateTime('UTC')} AND StatusCode = 'Error' AND Timeouts > 0)
  WHERE SpanAttributes.values[arrayFirstIndex(key -> key IN ('http.response.status_code', 'http.status_code', 'rpc.grpc.status_code', 'rpc.response.status_code'), SpanAttributes.keys)] IN ('408', '504', '4', 'DEADLINE_EXCEEDED')
    OR multiSearchAnyCaseInsensitive(SpanAttributes['error.type'], words)
    OR arrayExists(event -> multiSearchAnyCaseInsensitive(event['exception.type'], words), Events.Attributes)`;

/** In the order that siblings which start and end together are walked: callers last. */
const kinds = { server: 0, consumer: 1, other: 2, client: 3, producer: 4 } as const;
/** What else a span is, beside its kind in one number. */
const marks = { noParent: 8, failed: 16, timedOut: 32 } as const;

const spanType = `Tuple(id UInt64, parent UInt64, fromNs Int64, toNs Int64, kind UInt8,
  operation String, noParent Bool, failed Bool, timedOut Bool)`;

const rowsSql = `
  SELECT cityHash64(TraceId) AS Trace, TraceId, ServiceName, AdjustedCount, StatusCode = 'Error' AS Failed,
    Failed AND ${spanOfTrace} IN (${timedOutSql}) AS TimedOut,
    ParentSpanId IN ('', SpanId) AS NoParent,
    toUnixTimestamp64Nano(Timestamp) AS StartNs,
    StartNs + toInt64(least(Duration, ${durationNsMax})) AS EndNs,
    ${numberOf('SpanId')} AS Id, if(NoParent, 0, ${numberOf('ParentSpanId')}) AS Parent,
    concat(ServiceName, '\\0', SpanName) AS Operation,
    toUInt8(multiIf(SpanKind = 'Server', ${kinds.server}, SpanKind = 'Client', ${kinds.client}, SpanKind = 'Consumer', ${kinds.consumer},
      SpanKind = 'Producer', ${kinds.producer}, ${kinds.other}) + ${marks.noParent} * NoParent + ${marks.failed} * Failed + ${marks.timedOut} * TimedOut) AS Marks
  FROM otel_traces WHERE ${spansRead}`;

const spanColumns = ['Id', 'Parent', 'StartNs', 'EndNs', 'Marks', 'Operation'] as const;
/** Columns beside each other; one array of tuples that is filled row by row takes three times as long. */
const zipped = (columns: readonly string[]): string => {
  const [ids, parents, starts, ends, marked, operations] = columns;
  const mark = (bits: number) => `arrayMap(it -> bitAnd(it, ${bits}) != 0, ${marked})`;
  return `CAST(arrayZip(${ids}, ${parents}, ${starts}, ${ends}, arrayMap(it -> bitAnd(it, 7), ${marked}),
    ${operations}, ${mark(marks.noParent)}, ${mark(marks.failed)}, ${mark(marks.timedOut)}), 'Array(${spanType})')`;
};

const tracesSql = `
  SELECT any(TraceId) AS TraceId, min(StartNs) AS FromNs, max(EndNs) AS ToNs, max(StartNs) AS LastNs,
    count() AS Stored, countIf(Failed) AS StoredErrors, countIf(TimedOut) AS StoredTimeouts,
    arraySort(groupUniqArray(${servicesMax})(ServiceName)) AS Services,
    argMin(AdjustedCount, StartNs - if(NoParent, ${durationNsMax}, 0)) AS AdjustedCount,
    ${spanColumns.map((it) => `groupArray(${spansReadMax})(${it}) AS ${it}s`).join(', ')}
  FROM (${rowsSql}) GROUP BY Trace`;

/** What was written before; a minute around each span that is read can have been a trace's start. */
const writtenSql = `
  SELECT TraceId, max(Version) AS Had, argMax(Start, Version) AS HadStart FROM trace_summaries_computed
  WHERE Start >= toDateTime64({readFrom:DateTime('UTC')}, 9) - ({from:DateTime('UTC')} - {readFrom:DateTime('UTC')})
    AND Start < toDateTime64({readTo:DateTime('UTC')}, 9) + ({readTo:DateTime('UTC')} - {to:DateTime('UTC')})
    AND NOT Gone AND cityHash64(TraceId) IN (${touchedSql})
  GROUP BY TraceId`;

/**
 * One step in each subquery, here and below: an expression that is used by its alias is planned again
 * at each use, so steps upon steps in one SELECT took seconds to plan.
 */
const step = (columns: string, from: string, rest = ''): string =>
  `SELECT *, ${columns} FROM (${from}) ${rest}`;

const grownSql = `
  SELECT trace.* EXCEPT (${spanColumns.map((it) => `${it}s`).join(', ')}), written.Had AS Had, written.HadStart AS HadStart,
    fromUnixTimestamp64Nano(FromNs, 'UTC') AS Start, Stored > ${spansReadMax} AS isHuge,
    ${zipped(spanColumns.map((it) => `trace.${it}s`))} AS read
  FROM (${tracesSql}) AS trace LEFT JOIN (${writtenSql}) AS written USING TraceId
  WHERE Stored + StoredTimeouts > Had
    AND (LastNs < toUnixTimestamp({to:DateTime('UTC')}) * 1000000000
      OR intDiv(LastNs, 60000000000) * 60 + ${60 + quietSeconds} <= toUnixTimestamp({now:DateTime('UTC')})
      OR LastNs - FromNs > ${waitSecondsMax}000000000)`;

/** Each once. */
const countedSql = step(
  `if(isHuge, Stored, arrayCount(nth -> nth = 1, nths)) AS spanCount,
   if(isHuge, StoredErrors, arrayCount((it, nth) -> it AND nth = 1, read.failed, nths)) AS errorCount,
   if(isHuge, StoredTimeouts, arrayCount((it, nth) -> it AND nth = 1, read.timedOut, nths)) AS timeoutCount`,
  step(
    `arrayEnumerateUniq(read.id) AS nths, arrayMap((from, to) -> to - from, read.fromNs, read.toNs) AS durations,
     indexOf(ranks, arrayMin(ranks)) AS firstAt, read[firstAt] AS first`,
    step(
      `arrayMap((from, isFirst) -> from - if(isFirst, ${durationNsMax}, 0), read.fromNs, read.noParent) AS ranks`,
      grownSql,
    ),
  ),
);

/** The longest where there are too many: all up to the last that is among them. */
const spansSql = step(
  `arrayFilter((it, nth, ns, at) -> nth = 1 AND (spanCount <= ${spansWalkedMax} OR at = firstAt OR (-ns, at) <= lastOne),
     read, nths, durations, arrayEnumerate(read)) AS spans`,
  step(
    `arraySort(arrayMap((ns, at) -> (-ns, at),
       arrayResize(durations, if(spanCount > ${spansWalkedMax}, length(durations), 0)) AS ranked, arrayEnumerate(ranked)))[${spansWalkedMax}] AS lastOne`,
    countedSql,
  ),
);

/** For each span the position of its parent, beyond all of them when it is not there. */
const positionsSql = step(
  'length(spans) AS n, arraySlice(arrayEnumerateDense(arrayConcat(spans.id, spans.parent)), n + 1) AS parents',
  spansSql,
);

/** Where the path begins and ends: at the root, at what has no parent, or around all of that. */
const rootsSql = step(
  `if(isRootless, 0, head.id) AS topId, if(isRootless, 0, indexOf(spans.id, head.id)) AS topAt,
   if(isRootless, FromNs, head.fromNs) AS pathFromNs, if(isRootless, ToNs, head.toNs) AS pathToNs,
   if(isRootless, arrayExists((it, at) -> it AND at > n, spans.failed, parents), head.failed) AS failed`,
  step(
    `NOT first.noParent AND tops > 1 AS isRootless,
     if(first.noParent OR tops = 0, first, arrayFirst((it, at) -> at > n, spans, parents)) AS head`,
    step('arrayCount(at -> at > n, parents) AS tops', positionsSql),
  ),
);

/**
 * Each span beside its parent. A lambda that looked into an array by position would copy the array
 * for each element; sorting references behind what they refer to and filling takes n log n.
 */
const parentsSql = step(
  `arraySort((it, at) -> at, arrayFilter((it, isReference) -> isReference, filled, mixed.2),
     arrayFilter((it, isReference) -> isReference, mixed.3, mixed.2)) AS parentOf`,
  step(
    'arrayFill((it, isReference) -> NOT isReference, arrayMap(it -> (it.4, it.5, it.6), mixed), mixed.2) AS filled',
    step(
      `arraySort(arrayConcat(
         arrayMap((it, at) -> (at, 0, 0, it.fromNs, it.toNs, it.kind = ${kinds.client}), spans, arrayEnumerate(spans)),
         arrayMap((it, at) -> (it, 1, at, 0, 0, false), parents, arrayEnumerate(spans)))) AS mixed`,
      rootsSql,
    ),
  ),
);

/** Candidates for the critical path (end, start, id, parent, position, order among equals), the latest end first. */
const candidatesSql = step(
  `pathToNs - pathFromNs AS pathNs, arraySort(it -> (-it.1, it.2, it.6), arrayFilter(
     it -> it.1 > it.2 AND it.1 > pathFromNs AND it.1 <= pathToNs AND it.3 != topId, moments)) AS candidates`,
  step(
    `arrayMap((it, at, parent, own) -> (
       if(at <= n AND it.kind = ${kinds.server} AND parent.3, least(it.toNs, parent.2), it.toNs),
       it.fromNs, it.id, if(at > n, topId, it.parent), toUInt32(own),
       8 * (at <= n AND parent.1 = it.fromNs AND parent.2 = it.toNs) + it.kind),
       spans, parents, parentOf, arrayEnumerate(spans)) AS moments`,
    parentsSql,
  ),
);

/**
 * Back from the end. \`open\` is the way from the root to where the walk is (ids, starts, positions); at
 * the end of a candidate, what starts later has been left. It is on the path when its parent is then
 * the innermost: it is what the parent waited for last. A start is not before that of the parent.
 */
const walksSql = step(
  `arrayFold((open, it) -> (
      arrayLastIndex(start -> start < it.1, open.2) AS depth,
      if(open.1[depth] = it.4, (
        arrayPushBack(arraySlice(open.1, 1, depth), it.3),
        arrayPushBack(arraySlice(open.2, 1, depth), greatest(it.2, open.2[depth])),
        arrayPushBack(arraySlice(open.3, 1, depth), it.5),
        arrayPushBack(open.4, (it.5, open.3[depth], it.1 - greatest(it.2, open.2[depth])))), open)).2,
    candidates,
    ([topId], [pathFromNs], [toUInt32(topAt)], CAST([], 'Array(Tuple(UInt32, UInt32, Int64))'))).4 AS chosen`,
  candidatesSql,
);

/**
 * Adds up values by key, in order of keys: `keys` and `sums` of pairs. The aggregate function sumMap over arrays
 * takes three times as long.
 */
const summed = (pairs: string, from: string): string =>
  step(
    `arrayFilter((it, isLast) -> isLast, entries.1, lasts) AS keys,
     arrayMap((to, before) -> to - before, upTo, arrayPopBack(arrayPushFront(upTo, 0))) AS sums`,
    step(
      'arrayFilter((it, isLast) -> isLast, arrayCumSum(entries.2), lasts) AS upTo',
      step(
        'arrayMap((key, next) -> key != next, entries.1, arraySlice(arrayPushBack(entries.1, 4294967295), 2)) AS lasts',
        step(`arraySort(${pairs}) AS entries`, from),
      ),
    ),
  );

/** The time of each span on the path less that of those it waited for, in order of position. */
const ownSql = `
  SELECT * EXCEPT (entries, lasts, upTo, keys, sums),
    arrayFilter((at, ns) -> ns > 0, keys, sums) AS ats, arrayFilter(ns -> ns > 0, sums) AS ownNs
  FROM (${summed(
    `arrayConcat([(toUInt32(topAt), pathNs)], arrayMap(it -> (it.1, it.3), chosen), arrayMap(it -> (it.2, -it.3), chosen))`,
    walksSql,
  )})`;

/** Position 0 is where no span is: between what has lost its root. */
const pathsSql = step(
  `arrayMap((it, ns) -> CAST((it.id, it.operation, it.fromNs, ns),
     'Tuple(id UInt64, operation String, fromNs Int64, ownNs Int64)'),
     if(has(ats, 0), arrayPushFront(onPath, CAST((0, 0, FromNs, ToNs, 0, '\\0', false, false, false), '${spanType}')), onPath),
     ownNs) AS path`,
  step(
    `arrayFilter((it, nth) -> nth = 2, spans,
       arraySlice(arrayEnumerateUniq(arrayConcat(ats, arrayMap(it -> toUInt32(it), arrayEnumerate(spans)))), length(ats) + 1)) AS onPath`,
    ownSql,
  ),
);

/** Operations are numbered in the order in which they come first. */
const bottlenecksSql = step(
  `if(empty(path), head.operation, arrayReverseSort((it, ns) -> (ns, it), arrayDistinct(path.operation), sums)[1]) AS worst,
   arrayMax(sums) AS worstNs,
   arraySort(it -> (it.fromNs, -it.ownNs), arraySlice(arrayReverseSort(it -> it.ownNs, path), 1, ${pathSpansMax})) AS kept`,
  summed('arrayZip(arrayEnumerateDense(path.operation), path.ownNs)', pathsSql),
);

/**
 * Summaries of the traces with a span that starts from `{from:DateTime}` to `{to:DateTime}`, of which
 * the hash is `{chunk:UInt32}` modulo `{chunks:UInt32}`, from what starts between `{readFrom:DateTime}`
 * and `{readTo:DateTime}`. A trace that goes on in a minute that will be computed after
 * `{now:DateTime}` is left to that. What was computed from as many rows and timeouts stays.
 */
export const traceSummariesSql = (): string => `
  INSERT INTO trace_summaries_computed (TraceId, Start, Duration, RootService, RootName, RootSpanId, RootDuration,
    RootMissing, Status, Spans, Errors, Timeouts, Services, AdjustedCount,
    BottleneckService, BottleneckName, BottleneckTime, BottleneckSpans, BottleneckShare,
    CriticalPath.SpanId, CriticalPath.ServiceName, CriticalPath.SpanName, CriticalPath.Offset,
    CriticalPath.Time, CriticalPath.Share, Version, Gone)
  SELECT TraceId, if(Gone, HadStart, Start), toUInt64(ToNs - FromNs),
    ${serviceOf('head.operation')}, ${nameOf('head.operation')}, ${spanIdOf('head.id')}, toUInt64(pathNs), NOT head.noParent,
    multiIf(NOT failed, 'ok', timeoutCount > 0, 'timeout', 'error'),
    spanCount, errorCount, timeoutCount,
    Services, AdjustedCount,
    ${serviceOf('worst')}, ${nameOf('worst')}, worstNs, countEqual(path.operation, worst),
    if(pathNs = 0, 0, worstNs / pathNs),
    arrayMap(id -> ${spanIdOf('id')}, kept.id), arrayMap(it -> ${serviceOf('it')}, kept.operation), arrayMap(it -> ${nameOf('it')}, kept.operation), arrayMap(it -> it.fromNs - FromNs, kept),
    kept.ownNs, arrayMap(it -> it.ownNs / pathNs, kept), Stored + StoredTimeouts, Gone
  FROM (${bottlenecksSql})
  ARRAY JOIN if(Had > 0 AND toStartOfMinute(HadStart) != toStartOfMinute(Start), [0, 1], [0]) AS Gone`;
