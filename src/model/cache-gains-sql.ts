/**
 * How far before the minute of a point the one is sought from which a cumulative counter is counted on:
 * senders that report every five minutes, and one report that was lost.
 */
export const counterReachMinutes = 11;

/** A start time that equals the point's own says nothing: the sender does not know it. */
const restarted = `(StartTimeUnix > BeforeStart AND StartTimeUnix >= BeforeAt AND StartTimeUnix < TimeUnix) OR Value < BeforeValue`;

/**
 * Adds `Gained` to the rows of `cachePointsSql`: all of a delta, of a restarted counter, and of a series
 * that began within reach; else the difference to the point before; 0 where the series is older than
 * what is seen of it. It depends on no window, so tiers and rules count alike, as long as `points` has
 * what lies up to a minute and `counterReachMinutes` before.
 */
export const cacheGainsSql = (points: string): string => `
  SELECT *, multiIf(IsDelta, Value,
    BeforeAt < Base, if(StartTimeUnix >= Base AND StartTimeUnix < TimeUnix, Value, 0),
    ${restarted}, Value,
    Value - BeforeValue) AS Gained
  FROM (
    SELECT *, toDateTime64(toStartOfMinute(TimeUnix), 9) - INTERVAL ${counterReachMinutes} MINUTE AS Base,
      lagInFrame(TimeUnix) OVER w AS BeforeAt, lagInFrame(StartTimeUnix) OVER w AS BeforeStart,
      lagInFrame(Value) OVER w AS BeforeValue
    FROM (${points})
    WINDOW w AS (PARTITION BY SeriesId ORDER BY TimeUnix ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
  )`;
