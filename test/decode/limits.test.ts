import t from 'tap';
import { createColumnBuilder } from '../support/both-walkers.ts';
import { tracesRequest } from '../support/otlp-proto.ts';
import { type Message, sampleTraces } from '../support/otlp-samples.ts';
import { seededRandom } from '../support/random.ts';

const mebibyte = 1024 * 1024;

const encode = (message: Message): Uint8Array =>
  tracesRequest.encode(tracesRequest.fromObject(message)).finish();

const ids = { traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(2) };
const spans = (count: number, fields: (index: number) => Message): readonly Message[] =>
  Array.from({ length: count }, (_, index) => ({ ...ids, ...fields(index) }));
const request = (
  list: readonly Message[],
  scope: Message = {},
  resource: Message = {},
): Message => ({
  resourceSpans: [{ resource, scopeSpans: [{ scope, spans: list }] }],
});

t.test('a request that does not fit beside what is held is told to wait, then taken', async (t) => {
  const random = seededRandom(21);
  const bodies = Array.from({ length: 40 }, () =>
    encode(sampleTraces(random, { resources: 1, scopes: 1, items: 200 })),
  );
  const builder = createColumnBuilder('traces', { arenaBytesMax: mebibyte });
  const blocks: Uint8Array[] = [];
  let accepted = 0;
  let cuts = 0;
  for (const body of bodies) {
    let acceptance = builder.append('protobuf', body);
    if (acceptance === 'full') {
      cuts += 1;
      const rows = builder.rows();
      const [block] = builder.finish();
      t.equal(block?.rows, rows, 'what was held is whole');
      blocks.push(...(block?.segments ?? []));
      acceptance = builder.append('protobuf', body);
    }
    if (acceptance !== 'full') accepted += acceptance.accepted;
  }
  t.equal(accepted, 8000);
  t.ok(cuts >= 2 && cuts < 20, `${cuts} cuts`);
});

t.test('a request that not even an empty builder can hold is refused', async (t) => {
  const builder = createColumnBuilder('traces', { arenaBytesMax: mebibyte });
  const small = encode(request(spans(1, () => ({ name: 'small' }))));
  const large = encode(request(spans(1, () => ({ name: 'x'.repeat(mebibyte) }))));
  t.throws(() => builder.append('protobuf', large), {
    code: 'ERR_OTLP_TOO_LARGE',
    remedy: 'reject',
    message: /need more than 1048576 bytes/,
  });
  builder.append('protobuf', small);
  t.equal(builder.append('protobuf', large), 'full');
  t.equal(builder.rows(), 1);
  builder.finish();
  t.throws(() => builder.append('protobuf', large), { code: 'ERR_OTLP_TOO_LARGE' });
  const json = `{"resourceSpans":[{"schemaUrl":"${'x'.repeat(2 * mebibyte)}"}]}`;
  t.throws(() => builder.append('json', Buffer.from(json)), { code: 'ERR_OTLP_TOO_LARGE' });
  t.match(builder.append('protobuf', small), { accepted: 1 }, 'and the builder is as good as new');
});

t.test('what a scope says cannot be multiplied into more memory than the limit', async (t) => {
  const attributes = [{ key: 'a', value: { stringValue: 'x'.repeat(mebibyte) } }];
  const body = encode(
    request(
      spans(20_000, () => ({})),
      { attributes },
    ),
  );
  const builder = createColumnBuilder('traces', { arenaBytesMax: 64 * mebibyte });
  const before = process.memoryUsage().arrayBuffers;
  t.throws(() => builder.append('protobuf', body), { code: 'ERR_OTLP_TOO_LARGE' });
  t.ok(process.memoryUsage().arrayBuffers - before < 200 * mebibyte);
  t.equal(builder.rows(), 0);
});

t.test('memory is given back after a large block', async (t) => {
  const builder = createColumnBuilder('traces', { arenaBytesKept: mebibyte });
  const large = encode(request(spans(1, () => ({ name: 'x'.repeat(20 * mebibyte) }))));
  const small = encode(request(spans(1, () => ({ name: 'small' }))));
  builder.append('protobuf', large);
  t.ok(builder.bytes() > 20 * mebibyte);
  t.equal(builder.finish()[0]?.rows, 1);
  t.equal(builder.bytes(), 0);
  builder.append('protobuf', small);
  const [first] = builder.finish();
  const fresh = createColumnBuilder('traces');
  fresh.append('protobuf', small);
  t.strictSame(first, fresh.finish()[0], 'the next block is as from a new builder');
});
