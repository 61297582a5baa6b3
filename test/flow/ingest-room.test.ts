import t from 'tap';
import type { Fault } from '../../src/lib/fault.ts';
import type { OtlpRequest } from '../../src/model/ingest.ts';
import { nowhere, sampleBody } from '../support/ingest-pool.ts';
import { startSmallIngest } from '../support/ingest-start.ts';

const journalBytesMax = 6 * 1024 * 1024;

const traces = (body: Uint8Array): OtlpRequest => ({
  signal: 'traces',
  encoding: 'protobuf',
  body,
});

t.test('one after the other, requests fill all the room of three workers', async (t) => {
  const ingest = await startSmallIngest({
    server: nowhere,
    dataDir: t.testdir({}),
    workers: 3,
    journalBytesMax,
  });
  t.teardown(ingest.drain);
  let takenBytes = 0;
  let refused: Fault | undefined;
  for (let seed = 0; !refused; seed += 1) {
    const body = sampleBody('traces', seed % 10)();
    // The same telemetry, but never the same bytes: an unknown field at the end.
    const unlike = Buffer.concat([body, Buffer.from([0xd5, 0x3e, seed & 255, seed >> 8, 0, 0])]);
    const { length } = unlike;
    await ingest.ingest(traces(new Uint8Array(unlike))).then(
      () => (takenBytes += length),
      (error: Fault) => (refused = error),
    );
  }
  t.match(refused, { code: 'ERR_JOURNAL_FULL', remedy: 'retry', retryAfterMs: 15_000 });
  t.ok(takenBytes > journalBytesMax * 0.97, `${takenBytes} of ${journalBytesMax} bytes`);
  t.ok(takenBytes <= journalBytesMax);
  // The others are as full: whoever is asked says so.
  const filler = () => traces(new Uint8Array(3 * 1024 * 1024));
  const answers = await Promise.allSettled(
    [filler(), filler(), traces(sampleBody('traces', 11)())].map(ingest.ingest),
  );
  t.match(answers[2], { status: 'rejected', reason: { code: 'ERR_JOURNAL_FULL' } });
});
