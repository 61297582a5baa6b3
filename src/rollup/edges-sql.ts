import { durationSketchSql } from '../model/sketch-sql.ts';

/** Who calls where a trace begins: a browser, a person, a timer. */
const userCaller = 'user';
/** The side of a call that no span tells of. */
const unknownPeer = 'unknown';
/** Stands for the callees of one caller beyond the limit, the least called ones. */
const otherPeers = 'other';

/**
 * How far the two sides of a call may begin apart: network, accept queue, and clocks that differ.
 * The arrivals table counts spans this near to the ends of a minute, so the two go together.
 */
const sideSecondsMax = 15;
/** How long a message may wait in a queue and still be traced to its producer. */
const messageMinutesMax = 15;
/** Callees of one caller that are told apart in one window. Hosts with generated names are many. */
const calleesMax = 500;

export interface EdgeRules {
  /** Whether calls of a service to itself are edges. */
  readonly sameService: boolean;
}

/**
 * Minutes whose edges grow: with what starts in them, with the other sides of calls over their ends,
 * and with messages that may be consumed in them later.
 */
export const edgeArrivals = `
  SELECT toDateTime(touched.1, 'UTC') AS Window, sum(touched.2) AS Input FROM (
    SELECT arrayJoin(arrayConcat(
      [(Time, Ends), (Time - 60, EndsEarly), (Time + 60, EndsLate)],
      if(Producers = 0, [], arrayMap(i -> (Time + 60 * i, Producers), range(1, ${messageMinutesMax + 1}))))) AS touched
    FROM span_arrivals WHERE Time >= {since:DateTime('UTC')} - ${60 * messageMinutesMax} AND Ends > 0
  ) WHERE touched.2 > 0 AND touched.1 >= {since:DateTime('UTC')} GROUP BY Window`;

/** Edges of one minute, `{from:DateTime}` to `{to:DateTime}`, out of the raw spans. */
export const minuteEdgesSql = (rules: EdgeRules): string =>
  replaceEdges(
    '1m',
    `SELECT Caller, CallerKind, Callee, CalleeKind, Protocol,
      sum(Weight) AS Calls, sumIf(Weight, Failed) AS Errors,
      sumIf(Weight, ByCaller) AS CallerReported, sumIf(Weight, ByCallee) AS CalleeReported,
      sum(Weight * Duration) AS DurationSum, min(Duration) AS DurationMin, max(Duration) AS DurationMax,
      sumIf(Weight * CalleeDuration, ByCallee) AS CalleeDurationSum,
      sumMap(${durationSketchSql('Weight')}) AS Sketch
    FROM (${requestsSql(rules)} UNION ALL ${entriesSql} UNION ALL ${messagesSql(rules)})
    GROUP BY Caller, CallerKind, Callee, CalleeKind, Protocol`,
  );

/** Edges of one hour or day out of the tier before it, as that stands now. */
export const tierEdgesSql = (tier: '1h' | '1d', below: '1m' | '1h'): string =>
  replaceEdges(
    tier,
    `SELECT edge.Caller, edge.CallerKind, edge.Callee, edge.CalleeKind, edge.Protocol, ${addedUp('true')}
    FROM service_edges_${below}_computed AS edge FINAL
    WHERE edge.Time >= {from:DateTime('UTC')} AND edge.Time < {to:DateTime('UTC')}
    GROUP BY edge.Caller, edge.CallerKind, edge.Callee, edge.CalleeKind, edge.Protocol`,
  );

/**
 * The edges of a window in place of those that it had. What it had goes in as nothing: an edge that
 * is only there has gone, and says so in a row of its own.
 */
const replaceEdges = (tier: '1m' | '1h' | '1d', foundSql: string): string => {
  const table = `service_edges_${tier}_computed`;
  const callee = `if(edge.Place > ${calleesMax}, '${otherPeers}', edge.Callee)`;
  return `
  INSERT INTO ${table} (Time, ${keys}, ${measures}, Version, Gone)
  SELECT {from:DateTime('UTC')} AS Time, edge.Caller AS Caller, edge.CallerKind AS CallerKind,
    ${callee} AS Callee, edge.CalleeKind AS CalleeKind, edge.Protocol AS Protocol,
    ${addedUp('edge.Place > 0')}, {version:UInt64} AS Version, max(edge.Place) = 0 AS Gone
  FROM (
    SELECT ${keys}, ${measures}, row_number() OVER (PARTITION BY Caller, CallerKind
      ORDER BY Callee = '${otherPeers}', CalleeKind = 'service' DESC, Calls DESC, Callee, CalleeKind, Protocol) AS Place
    FROM (${foundSql})
    UNION ALL
    SELECT ${keys}, ${measures}, 0 AS Place FROM ${table} FINAL WHERE Time = {from:DateTime('UTC')}
  ) AS edge
  GROUP BY edge.Caller, edge.CallerKind, ${callee}, edge.CalleeKind, edge.Protocol`;
};

const keys = 'Caller, CallerKind, Callee, CalleeKind, Protocol';
const measures =
  'Calls, Errors, CallerReported, CalleeReported, DurationSum, DurationMin, DurationMax, CalleeDurationSum, Sketch';

const addedUp = (condition: string): string => `
    sumIf(edge.Calls, ${condition}) AS Calls, sumIf(edge.Errors, ${condition}) AS Errors,
    sumIf(edge.CallerReported, ${condition}) AS CallerReported, sumIf(edge.CalleeReported, ${condition}) AS CalleeReported,
    sumIf(edge.DurationSum, ${condition}) AS DurationSum, minIf(edge.DurationMin, ${condition}) AS DurationMin,
    maxIf(edge.DurationMax, ${condition}) AS DurationMax, sumIf(edge.CalleeDurationSum, ${condition}) AS CalleeDurationSum,
    sumMapIf(edge.Sketch, ${condition}) AS Sketch`;

/** Spans that start in the window, or so many seconds before or after it. */
const started = (secondsBefore = 0, secondsAfter = 0): string =>
  `Timestamp >= toDateTime64({from:DateTime('UTC')}, 9) - INTERVAL ${secondsBefore} SECOND
   AND Timestamp < toDateTime64({to:DateTime('UTC')}, 9) + INTERVAL ${secondsAfter} SECOND`;

const nearby = started(sideSecondsMax, sideSecondsMax);
const inWindow = (time: string): string =>
  `${time} >= toDateTime64({from:DateTime('UTC')}, 9) AND ${time} < toDateTime64({to:DateTime('UTC')}, 9)`;

/** The first of these span attributes that is not empty, else the last expression. */
const firstOf = (names: readonly string[], otherwise: string): string => {
  const cases = names.map((it) => `SpanAttributes['${it}'] != '', SpanAttributes['${it}']`);
  return `multiIf(${cases.join(', ')}, ${otherwise})`;
};

const databaseSystem = firstOf(['db.system.name', 'db.system'], "''");
const host = firstOf(['server.address', 'net.peer.name', 'http.host', 'net.peer.ip'], 'Protocol');
/** A namespace that is a number (Redis) names nothing. */
const database = `multiIf(SpanAttributes['peer.service'] != '', SpanAttributes['peer.service'],
  match(SpanAttributes['db.namespace'], '[^0-9]'), SpanAttributes['db.namespace'],
  match(SpanAttributes['db.name'], '[^0-9]'), SpanAttributes['db.name'], ${host})`;
const queue = firstOf(
  ['messaging.destination.name', 'messaging.destination', 'peer.service'],
  `if(Protocol = '', '${unknownPeer}', Protocol)`,
);
const external = firstOf(
  ['peer.service', 'server.address', 'net.peer.name', 'http.host', 'rpc.service', 'net.peer.ip'],
  `'${unknownPeer}'`,
);

/**
 * Calls of which at least one side reported. They meet by a hash of trace id and the caller's span
 * id: among ten million spans, two differ in name only once in 400,000 windows. A call whose two
 * sides are there begins with the caller's. Spans that were sent twice count once, and a caller's
 * span with two callees (it tried again, or was redirected) is two calls.
 */
const requestsSql = (rules: EdgeRules): string => `
  SELECT
    if(caller.Reported, caller.Service, '${unknownPeer}') AS Caller,
    if(caller.Reported, 'service', '${unknownPeer}') AS CallerKind,
    if(callee.Reported, callee.Service, caller.Peer) AS Callee,
    if(callee.Reported, 'service', caller.PeerKind) AS CalleeKind,
    caller.Protocol AS Protocol,
    if(caller.Reported, caller.Weight, callee.Weight) AS Weight,
    if(caller.Reported, caller.Failed, callee.Failed) AS Failed,
    caller.Reported AS ByCaller, callee.Reported AS ByCallee,
    if(caller.Reported, caller.Duration, callee.Duration) AS Duration,
    callee.Duration AS CalleeDuration
  FROM (
    SELECT cityHash64(TraceId, SpanId) AS Call, true AS Reported, Timestamp AS Start, Duration,
      ServiceName AS Service, AdjustedCount AS Weight, StatusCode = 'Error' AS Failed,
      ${databaseSystem} AS Database,
      multiIf(Database != '', 'database', SpanKind = 'Producer' OR SpanAttributes['messaging.system'] != '', 'messaging', 'external') AS PeerKind,
      multiIf(Database != '', Database, ${firstOf(['messaging.system', 'rpc.system.name', 'rpc.system'], "if(SpanAttributes['http.request.method'] != '' OR SpanAttributes['http.method'] != '', 'http', '')")}) AS Protocol,
      multiIf(PeerKind = 'database', ${database}, PeerKind = 'messaging', ${queue}, ${external}) AS Peer
    FROM otel_traces WHERE SpanKind IN ('Client', 'Producer') AND ${nearby}
    LIMIT 1 BY Call
  ) AS caller
  FULL JOIN (
    SELECT cityHash64(TraceId, ParentSpanId) AS Call, true AS Reported, Timestamp AS Start, Duration,
      ServiceName AS Service, AdjustedCount AS Weight, StatusCode = 'Error' AS Failed
    FROM otel_traces WHERE SpanKind = 'Server' AND ParentSpanId != '' AND ${nearby}
    LIMIT 1 BY Call, SpanId
  ) AS callee ON caller.Call = callee.Call
  WHERE ${inWindow('if(caller.Reported, caller.Start, callee.Start)')}
    ${rules.sameService ? '' : 'AND NOT (caller.Reported AND callee.Reported AND caller.Service = callee.Service)'}`;

/** Traces that begin at a server. */
const entriesSql = `
  SELECT '${userCaller}' AS Caller, '${userCaller}' AS CallerKind, ServiceName AS Callee, 'service' AS CalleeKind,
    '' AS Protocol, AdjustedCount AS Weight, StatusCode = 'Error' AS Failed,
    false AS ByCaller, true AS ByCallee, Duration, Duration AS CalleeDuration
  FROM otel_traces WHERE SpanKind = 'Server' AND ParentSpanId = '' AND ${started()}
  LIMIT 1 BY cityHash64(TraceId, SpanId)`;

/**
 * Messages, from the service that produced them (parent or link) to the one that consumes them, in
 * the consumer's minute; from the queue when no producer is found. A consumer of many messages
 * counts once for each service that produced some.
 */
const messagesSql = (rules: EdgeRules): string => `
  SELECT From.1 AS Caller, From.2 AS CallerKind, Callee, 'service' AS CalleeKind, Protocol, Weight, Failed,
    From.2 = 'service' AS ByCaller, true AS ByCallee, Duration, Duration AS CalleeDuration
  FROM (
    SELECT any(consumer.Service) AS Callee, any(consumer.Protocol) AS Protocol, any(consumer.Weight) AS Weight,
      any(consumer.Failed) AS Failed, any(consumer.Duration) AS Duration, any(consumer.Queue) AS Queue,
      groupUniqArrayIf(producer.Service, producer.Reported) AS Producers,
      arrayJoin(if(empty(Producers), [if(Queue = '', ('${unknownPeer}', '${unknownPeer}'), (Queue, 'messaging'))],
        arrayMap(it -> (it, 'service'), Producers))) AS From
    FROM (
      SELECT cityHash64(TraceId, SpanId) AS Message, toString(ServiceName) AS Service, true AS Reported
      FROM otel_traces WHERE SpanKind = 'Producer' AND ${started(messageMinutesMax * 60, sideSecondsMax)}
    ) AS producer
    RIGHT ANY JOIN (
      SELECT cityHash64(TraceId, SpanId) AS Consumer,
        arrayJoin(arrayDistinct(arrayPushFront(
          arrayMap((trace, span) -> cityHash64(trace, span), Links.TraceId, Links.SpanId),
          cityHash64(TraceId, ParentSpanId)))) AS Message,
        toString(ServiceName) AS Service, AdjustedCount AS Weight, StatusCode = 'Error' AS Failed, Duration,
        SpanAttributes['messaging.system'] AS Protocol,
        ${firstOf(['messaging.destination.name', 'messaging.destination'], "''")} AS Queue
      FROM otel_traces WHERE SpanKind = 'Consumer' AND ${started()}
    ) AS consumer ON producer.Message = consumer.Message
    GROUP BY consumer.Consumer
  )
  ${rules.sameService ? '' : "WHERE NOT (CallerKind = 'service' AND Caller = Callee)"}`;
