import process from 'node:process';
import type { OtlpRequest } from '../../src/model/ingest.ts';
import { type SmallIngest, startSmallIngest } from './ingest-start.ts';

/** What the process is asked, one at a time; it answers each with one message. */
export type Question =
  /** Given to the pool in one turn, in this order. */
  | { readonly kind: 'send'; readonly bodies: readonly string[] }
  | { readonly kind: 'metrics' }
  | { readonly kind: 'drain' };

const ingest = await startSmallIngest(JSON.parse(process.argv[2] ?? '') as SmallIngest);

const send = (body: string): Promise<string> => {
  const request: OtlpRequest = {
    signal: 'traces',
    encoding: 'protobuf',
    body: new Uint8Array(Buffer.from(body, 'base64')),
  };
  return ingest.ingest(request).then(
    ({ accepted }) => `accepted ${accepted}`,
    (error: { readonly code: string }) => error.code,
  );
};

const answer = async (question: Question): Promise<unknown> => {
  switch (question.kind) {
    case 'send':
      return Promise.all(question.bodies.map(send));
    case 'metrics':
      return ingest.metricsText();
    case 'drain':
      await ingest.drain();
      return 'drained';
  }
};

process.on('message', (question: Question) => {
  void answer(question).then((it) => process.send?.(it));
});
process.once('disconnect', () => process.exit());
process.send?.('ready');
