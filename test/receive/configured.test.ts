import { gzipSync } from 'node:zlib';
import { Client, compressionAlgorithms, credentials, type ServiceError } from '@grpc/grpc-js';
import t from 'tap';
import { type Daemon, daemonDir, startDaemon } from '../support/daemon.ts';
import { ingestOnly } from '../support/ingest-under-fire.ts';

const mebibyte = 1024 * 1024;
const files = {
  'tocsin.yaml': `${ingestOnly['tocsin.yaml']}ingest: {limits: {max_request_bytes: 1MiB}}\n`,
};

const statusOverHttp = async (
  { listen }: Daemon,
  body: Buffer<ArrayBuffer>,
  coding = 'identity',
): Promise<number> => {
  const answer = await fetch(`http://${listen.otlp_http}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': coding },
    body,
  });
  await answer.arrayBuffer();
  return answer.status;
};

const errorOverGrpc = (
  t: { readonly teardown: (end: () => unknown) => void },
  { listen }: Daemon,
  body: Buffer,
  compression: compressionAlgorithms,
): Promise<ServiceError | null> => {
  const client = new Client(listen.otlp_grpc, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': compression,
  });
  t.teardown(() => client.close());
  const asIs = (bytes: Buffer): Buffer => bytes;
  const method = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
  return new Promise((resolve) => client.makeUnaryRequest(method, asIs, asIs, body, resolve));
};

t.test('max_request_bytes in tocsin.yaml limits requests to both doors', async (t) => {
  const daemon = await startDaemon(t, daemonDir(t, files));
  // An unknown field of that many bytes in all, which is a good request without a record.
  const unknown = (bytes: number): Buffer<ArrayBuffer> => {
    const body = Buffer.alloc(bytes);
    const length = bytes - 5;
    const varint = [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14];
    body.set([0xba, 0x3e, ...varint]);
    return body;
  };
  const [largest, beyond] = [unknown(mebibyte), unknown(mebibyte + 1)];
  t.equal(await statusOverHttp(daemon, largest), 200);
  t.equal(await statusOverHttp(daemon, beyond), 413);
  t.equal(await statusOverHttp(daemon, gzipSync(largest), 'gzip'), 200);
  t.equal(await statusOverHttp(daemon, gzipSync(beyond), 'gzip'), 413);
  for (const compression of [compressionAlgorithms.identity, compressionAlgorithms.gzip]) {
    t.equal(await errorOverGrpc(t, daemon, largest, compression), null);
    const error = await errorOverGrpc(t, daemon, beyond, compression);
    t.match(error, { code: 8 });
    const [details] = error?.metadata.get('grpc-status-details-bin') ?? [];
    t.notMatch(String(details), /RetryInfo/, 'which is not to be sent again');
  }
});
