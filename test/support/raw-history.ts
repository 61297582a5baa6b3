/** The trace that the documents ask for. */
const traceId = '5b8efff798038103d269b633813fc60c';

/**
 * Two hours of spans, logs, points and alerts before `endSeconds` (since 1970), with one trace that failed and an
 * alert on its service, an hour of spans a week earlier, and SLA minutes of last month. Made inside ClickHouse.
 */
export const fillRaw = async (
  run: (sql: string) => Promise<unknown>,
  endSeconds: number,
): Promise<void> => {
  const at = `toDateTime64(${endSeconds} - 600 - number, 9)`;
  const service = "concat('shop-', toString(number % 2))";
  const point = `${service}, map('service.name', ${service}), concat('shop.metric.', toString(number % 2)), 's', map('http.route', '/resource/0'), ${at}`;
  const columns = 'ServiceName, ResourceAttributes, MetricName, MetricUnit, Attributes, TimeUnix';
  const statements = [
    `INSERT INTO otel.otel_traces (Timestamp, TraceId, SpanId, ServiceName, ResourceAttributes, SpanName, SpanKind, StatusCode, Duration, SpanAttributes)
      SELECT ${at}, if(number < 4, '${traceId}', lower(hex(sipHash128(number)))), lower(hex(sipHash64(number))), ${service},
        map('service.name', ${service}, 'service.version', if(number < 1800, '1.4.2', '1.4.1')), 'GET /resource/0', 'Server',
        if(number < 900, 'Error', 'Unset'), 1000000 + number, map('http.route', '/resource/0', 'cache.hit', if(number % 5 = 0, 'false', 'true')) FROM numbers(7200)`,
    `INSERT INTO otel.otel_traces (Timestamp, ServiceName, SpanName, SpanKind, Duration)
      SELECT ${at} - INTERVAL 7 DAY, ${service}, 'GET /resource/0', 'Server', 1000000 FROM numbers(3000)`,
    `INSERT INTO otel.otel_logs (Timestamp, TraceId, SeverityText, SeverityNumber, ServiceName, Body)
      SELECT ${at}, if(number < 4, '${traceId}', ''), 'ERROR', 17, ${service}, 'no answer' FROM numbers(100)`,
    `INSERT INTO otel.otel_metrics_gauge (${columns}, Value) SELECT ${point}, number FROM numbers(100)`,
    `INSERT INTO otel.otel_metrics_sum (${columns}, Value, AggregationTemporality, IsMonotonic) SELECT ${point}, number, 1, true FROM numbers(100)`,
    `INSERT INTO otel.otel_metrics_histogram (${columns}, Count, Sum, AggregationTemporality) SELECT ${point}, 1, number, 1 FROM numbers(100)`,
    `INSERT INTO otel.otel_metrics_exponential_histogram (${columns}, Count, Sum, AggregationTemporality) SELECT ${point}, 1, number, 1 FROM numbers(100)`,
    `INSERT INTO otel.otel_metrics_summary (${columns}, Count, Sum) SELECT ${point}, 1, number FROM numbers(100)`,
    `INSERT INTO otel.alert_events (At, AlertId, RuleId, AlertName, Change, Reason, Phase, Severity, ServiceName, Annotations, Values, ActiveAt, FiredAt)
      SELECT toDateTime64(${endSeconds} - 540, 3), 'a', 'rules/shop.yaml', 'CheckoutFails', 'fired', 'for_elapsed', 'firing', 'critical', 'shop-1',
        map('summary', 'checkout fails'), map('errors', 0.3), toDateTime64(${endSeconds} - 600, 3), toDateTime64(${endSeconds} - 540, 3)`,
    `INSERT INTO otel.sla_minutes_computed (Time, Sla, Objective, Type, ServiceName, Requests, Good, Total, Target, Required, Version)
      SELECT toDateTime(toStartOfMonth(toDateTime(${endSeconds}, 'UTC')), 'UTC') - 60 * (number + 1), 'orders', '', 'availability', 'shop-1', 100, 99, 100, 0.999, 0.999, 1 FROM numbers(10)`,
  ];
  for (const sql of statements) await run(`${sql} SETTINGS async_insert = 0`);
};
