import t from 'tap';
import { incidentAt } from '../../src/commands/demo/incident.ts';
import { tracesRequest } from '../../src/commands/demo/otlp-json.ts';
import { visit } from '../../src/commands/demo/visit.ts';
import { seededRandom } from '../support/random.ts';

// biome-ignore format: one case per line.
const table: readonly (readonly [number, string])[] = [
  [0, 'none'],            [59, 'none'],              [60, 'slow-payments'],     [119, 'slow-payments'],
  [120, 'none'],          [240, 'cold-cache'],       [300, 'none'],             [420, 'failing-payments'],
  [480, 'none'],          [540 + 60, 'slow-payments'],
];

for (const [seconds, incident] of table) {
  t.test(`${seconds} s after opening the incident is ${incident}`, async (t) => {
    t.equal(incidentAt(seconds * 1_000), incident);
  });
}

t.test('a visit is one trace whose spans all hang together', async (t) => {
  const random = seededRandom(7);
  const body = tracesRequest([{ root: visit('none', random), startMs: 1_000 }], random);
  const spans = JSON.parse(body).resourceSpans.flatMap(
    (it: {
      scopeSpans: { spans: { traceId: string; spanId: string; parentSpanId: string }[] }[];
    }) => it.scopeSpans.flatMap((scope) => scope.spans),
  );
  const ids = new Set(spans.map((it: { spanId: string }) => it.spanId));
  t.equal(new Set(spans.map((it: { traceId: string }) => it.traceId)).size, 1);
  t.equal(ids.size, spans.length);
  const orphans = spans.filter(
    (it: { parentSpanId: string }) => it.parentSpanId !== '' && !ids.has(it.parentSpanId),
  );
  t.strictSame(orphans, []);
});

t.test('an incident shows in what visitors meet', async (t) => {
  const random = seededRandom(11);
  const hits = (incident: 'none' | 'cold-cache') => {
    const spans = Array.from({ length: 400 }, () => visit(incident, random)).flatMap(flatten);
    const reads = spans.filter((it) => it.attributes['cache.hit'] !== undefined);
    return reads.filter((it) => it.attributes['cache.hit'] === true).length / reads.length;
  };
  t.ok(hits('none') > 0.9);
  t.ok(hits('cold-cache') < 0.4);
});

const flatten = (span: ReturnType<typeof visit>): readonly ReturnType<typeof visit>[] => [
  span,
  ...span.children.flatMap(flatten),
];
