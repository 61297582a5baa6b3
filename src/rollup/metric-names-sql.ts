import { type MetricKind, metricKinds, pointsOf, temporalities } from '../model/metric-pieces.ts';

/** What senders say of the metrics that they sent in a window. */
export const metadataSql = `INSERT INTO metric_metadata (MetricName, ServiceName, MetricType, Temporality, IsMonotonic, MetricUnit, MetricDescription, FirstSeen, LastSeen)
${metricKinds
  .map(
    (
      kind,
    ) => `SELECT p.MetricName AS MetricName, p.ServiceName AS ServiceName, '${kind}' AS MetricType,
  ${temporalities[kind]} AS Temporality, ${kind === 'sum' ? 'p.IsMonotonic' : 'false'} AS IsMonotonic, p.MetricUnit AS MetricUnit,
  any(p.MetricDescription) AS MetricDescription, {from:DateTime('UTC')} AS FirstSeen, {from:DateTime('UTC')} AS LastSeen
FROM ${pointsOf(kind)}
GROUP BY ALL`,
  )
  .join('\nUNION ALL\n')}`;

/**
 * The series of a window that have no name yet this month, or none yet that says that they were seen
 * this day. Attributes are read of these only; a month has a name of its own, since it is dropped whole.
 */
export const seriesSql = (kind: MetricKind): string =>
  `INSERT INTO metric_series (ServiceName, MetricName, SeriesId, Month, Attributes, ResourceAttributes, ScopeName, FirstSeen, LastSeen)
SELECT any(p.ServiceName) AS ServiceName, any(p.MetricName) AS MetricName, p.SeriesId AS SeriesId,
  toStartOfMonth({from:DateTime('UTC')}) AS Month, any(p.Attributes) AS Attributes,
  any(p.ResourceAttributes) AS ResourceAttributes, any(p.ScopeName) AS ScopeName,
  {from:DateTime('UTC')} AS FirstSeen, {from:DateTime('UTC')} AS LastSeen
FROM ${pointsOf(kind)}
  AND p.SeriesId GLOBAL NOT IN (
    SELECT SeriesId FROM metric_series
    WHERE Month = toStartOfMonth({from:DateTime('UTC')}) AND LastSeen >= toStartOfDay({from:DateTime('UTC')}))
GROUP BY p.SeriesId`;
