import { createHash } from 'node:crypto';

const timeUnixNano = String(BigInt(Date.UTC(2026, 10, 21)) * 1_000_000n);

/** 32 hex digits that only this name has. */
export const traceIdOf = (name: string): string =>
  createHash('sha256').update(name).digest('hex').slice(0, 32);

/** One span, whose trace id says which request it came with. */
export const traceRequest = (name: string): Buffer =>
  Buffer.from(
    JSON.stringify({
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  traceId: traceIdOf(name),
                  spanId: '00000000000000a1',
                  name,
                  startTimeUnixNano: timeUnixNano,
                  endTimeUnixNano: timeUnixNano,
                },
              ],
            },
          ],
        },
      ],
    }),
  );

/** A gauge and a sum of this name, which go to two tables. */
export const metricRequest = (name: string): Buffer => {
  const dataPoints = [{ timeUnixNano, asInt: '1' }];
  const sum = { aggregationTemporality: 2, isMonotonic: true, dataPoints };
  const metrics = [
    { name, gauge: { dataPoints } },
    { name, sum },
  ];
  return Buffer.from(JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }));
};
