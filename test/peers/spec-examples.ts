import type { Signal } from '../../src/model/ingest.ts';
import type { Message } from '../support/otlp-samples.ts';

/*
 * The requests in the examples folder of opentelemetry-proto (Apache-2.0; commit ac2c4b5 of
 * 2026-08-18), told anew: the same messages field by field, in the same JSON.
 */

export interface SpecExample {
  readonly name: string;
  readonly signal: Signal;
  readonly request: Message;
}

const text = (key: string, stringValue: string): Message => ({ key, value: { stringValue } });
const list = (...values: readonly Message[]): Message => ({ arrayValue: { values } });
const map = (...values: readonly Message[]): Message => ({ kvlistValue: { values } });

const resource: Message = { attributes: [text('service.name', 'my.service')] };
const scope: Message = {
  name: 'my.library',
  version: '1.0.0',
  attributes: [text('my.scope.attribute', 'some scope attribute')],
};

const ids = { traceId: '5B8EFFF798038103D269B633813FC60C', spanId: 'EEE19B7EC3C1B174' };
const at = '1544712660300000000';
/** What all data points have but their start. */
const point = (kind: string): Message => ({
  timeUnixNano: at,
  attributes: [text(`my.${kind}.attr`, 'some value')],
});

const traces: Message = {
  resourceSpans: [
    {
      resource,
      scopeSpans: [
        {
          scope,
          spans: [
            {
              ...ids,
              parentSpanId: 'EEE19B7EC3C1B173',
              name: "I'm a server span",
              startTimeUnixNano: '1544712660000000000',
              endTimeUnixNano: '1544712661000000000',
              kind: 2,
              attributes: [text('my.span.attr', 'some value')],
            },
          ],
        },
      ],
    },
  ],
};

const counter: Message = {
  name: 'my.counter',
  unit: '1',
  description: 'I am a Counter',
  sum: {
    aggregationTemporality: 1,
    isMonotonic: true,
    dataPoints: [{ ...point('counter'), startTimeUnixNano: at, asDouble: 5 }],
  },
};
const gauge: Message = {
  name: 'my.gauge',
  unit: '1',
  description: 'I am a Gauge',
  gauge: { dataPoints: [{ ...point('gauge'), asDouble: 10 }] },
};
const histogram: Message = {
  name: 'my.histogram',
  unit: '1',
  description: 'I am a Histogram',
  histogram: {
    aggregationTemporality: 1,
    dataPoints: [
      {
        ...point('histogram'),
        startTimeUnixNano: at,
        count: '2',
        sum: 2,
        bucketCounts: ['1', '1'],
        explicitBounds: [1],
        min: 0,
        max: 2,
      },
    ],
  },
};
const exponentialHistogram: Message = {
  name: 'my.exponential.histogram',
  unit: '1',
  description: 'I am an Exponential Histogram',
  exponentialHistogram: {
    aggregationTemporality: 1,
    dataPoints: [
      {
        ...point('exponential.histogram'),
        startTimeUnixNano: at,
        count: '3',
        sum: 10,
        scale: 0,
        zeroCount: '1',
        positive: { offset: 1, bucketCounts: ['0', '2'] },
        min: 0,
        max: 5,
        zeroThreshold: 0,
      },
    ],
  },
};
const metrics: Message = {
  resourceMetrics: [
    {
      resource,
      scopeMetrics: [{ scope, metrics: [counter, gauge, histogram, exponentialHistogram] }],
    },
  ],
};

const logsWith = (record: Message): Message => ({
  resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: [record] }] }],
});
const logs = logsWith({
  ...ids,
  timeUnixNano: at,
  observedTimeUnixNano: at,
  severityNumber: 10,
  severityText: 'Information',
  body: { stringValue: 'Example log record' },
  attributes: [
    text('string.attribute', 'some string'),
    { key: 'boolean.attribute', value: { boolValue: true } },
    { key: 'int.attribute', value: { intValue: '10' } },
    { key: 'double.attribute', value: { doubleValue: 637.704 } },
    { key: 'array.attribute', value: list({ stringValue: 'many' }, { stringValue: 'values' }) },
    { key: 'map.attribute', value: map(text('some.map.key', 'some value')) },
  ],
});
const events = logsWith({
  eventName: 'browser.page_view',
  timeUnixNano: at,
  observedTimeUnixNano: at,
  severityNumber: 9,
  severityText: 'test severity text',
  attributes: [text('event.attribute', 'some event attribute')],
  body: map(
    { key: 'type', value: { intValue: '0' } },
    text('url', 'https://www.guidgenerator.com/online-guid-generator.aspx'),
    text('referrer', 'https://wwww.google.com'),
    text('title', 'Free Online GUID Generator'),
  ),
});

export const specExamples: readonly SpecExample[] = [
  { name: 'trace', signal: 'traces', request: traces },
  { name: 'metrics', signal: 'metrics', request: metrics },
  { name: 'logs', signal: 'logs', request: logs },
  { name: 'events', signal: 'logs', request: events },
];
