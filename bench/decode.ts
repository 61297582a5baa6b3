import type { Type } from 'protobufjs';
import { createColumnBuilder } from '../src/decode/builder.ts';
import type { Random } from '../src/lib/backoff.ts';
import type { Signal } from '../src/model/ingest.ts';
import { jsonEachRow, logRows, metricRows, traceRows } from '../test/support/naive-rows.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../test/support/otlp-proto.ts';
import {
  type Message,
  type SampleSize,
  sampleLogs,
  sampleMetrics,
  sampleTraces,
} from '../test/support/otlp-samples.ts';
import { seededRandom } from '../test/support/random.ts';
import { type Bench, cpuMicrosPerItem, machineLine, shortHash } from './measure.ts';

interface Case {
  readonly name: string;
  readonly signal: Signal;
  readonly noun: string;
  readonly type: Type;
  readonly size: SampleSize;
  readonly sample: (random: Random, size: SampleSize) => Message;
  /** The rows of a decoded request as JSONEachRow: what the walker is compared with. */
  readonly naive: (request: object) => string;
}

const cases: readonly Case[] = [
  {
    name: 'traces, one service per request',
    signal: 'traces',
    noun: 'span',
    type: tracesRequest,
    size: { resources: 1, scopes: 3, items: 171 },
    sample: sampleTraces,
    naive: (request) => jsonEachRow(traceRows(request)),
  },
  {
    name: 'traces, 20 services per request',
    signal: 'traces',
    noun: 'span',
    type: tracesRequest,
    size: { resources: 20, scopes: 2, items: 13 },
    sample: sampleTraces,
    naive: (request) => jsonEachRow(traceRows(request)),
  },
  {
    name: 'metrics, all five kinds',
    signal: 'metrics',
    noun: 'point',
    type: metricsRequest,
    size: { resources: 1, scopes: 3, items: 40 },
    sample: sampleMetrics,
    naive: (request) => Object.values(metricRows(request)).map(jsonEachRow).join(''),
  },
  {
    name: 'logs',
    signal: 'logs',
    noun: 'record',
    type: logsRequest,
    size: { resources: 1, scopes: 3, items: 171 },
    sample: sampleLogs,
    naive: (request) => jsonEachRow(logRows(request)),
  },
];

/** OTLP protobuf to Native columns, beside protobufjs, row objects and JSONEachRow. */
export const decodeBench: Bench = {
  run: async (quick) => {
    const lines = [machineLine()];
    for (const it of cases) lines.push(runCase(it, quick));
    return lines;
  },
};

const runCase = (
  { name, signal, noun, type, size, sample, naive }: Case,
  quick: boolean,
): string => {
  const random = seededRandom(1);
  const bodies = Array.from({ length: quick ? 4 : 60 }, () =>
    type.encode(type.fromObject(sample(random, size))).finish(),
  );
  const builder = createColumnBuilder(signal);
  const walk = () => {
    let items = 0;
    for (const body of bodies) {
      const acceptance = builder.append('protobuf', body);
      if (acceptance === 'full') throw new Error('the block is too small for this bench');
      items += acceptance.accepted;
    }
    return { items, blocks: builder.finish() };
  };
  const { items, blocks } = walk();
  const fewer = bodies.slice(0, Math.max(1, Math.floor(bodies.length / 10)));
  let naiveCharacters = 0;
  const [walked = 0, plain = 0] = cpuMicrosPerItem(
    [
      { name: 'walker', work: () => walk().items },
      {
        name: 'naive',
        work: () => {
          naiveCharacters = 0;
          for (const body of fewer) naiveCharacters += naive(type.decode(body)).length;
          return (items * fewer.length) / bodies.length;
        },
      },
    ],
    quick ? { warmUpMs: 60, rounds: 3 } : { warmUpMs: 1500, rounds: 9 },
  );
  const bytesIn = bodies.reduce((sum, body) => sum + body.length, 0) / items;
  const bytesOut = blocks.reduce((sum, block) => sum + block.bytes, 0) / items;
  const hash = shortHash([...blocks.flatMap((block) => block.segments), String(naiveCharacters)]);
  return [
    `${name}: ${walked.toFixed(2)} µs/${noun}`,
    `naive ${plain.toFixed(1)}, ${(plain / walked).toFixed(1)}×`,
    `${bytesIn.toFixed(0)} B/${noun} in, ${bytesOut.toFixed(0)} out`,
    `hash ${hash}`,
  ].join(' | ');
};
