import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { clusterName, type Shard } from './shards.ts';

/** Where a statement meets Keeper, which no engine here has: without it the rest can be run. */
export const withoutKeeper = (sql: string): string =>
  sql
    .replace(` ON CLUSTER \`${clusterName}\``, '')
    .replace(/Replicated(\w*MergeTree)/, '$1')
    .replace(
      /replicated_deduplication_window = (\d+), replicated_deduplication_window_seconds = \d+/,
      'non_replicated_deduplication_window = $1',
    );

/**
 * The door of a cluster for those who speak HTTP: the first shard, but for statements with ON CLUSTER,
 * which it takes to both as Keeper would have. Resolves with its address.
 */
export const openClusterDoor = async (
  t: Pick<Test, 'teardown'>,
  shards: readonly [Shard, Shard],
): Promise<string> => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      pass(request, Buffer.concat(chunks), shards).then(
        ({ status, headers, bytes }) => response.writeHead(status, headers).end(bytes),
        () => response.destroy(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const pass = async (request: IncomingMessage, body: Buffer, shards: readonly [Shard, Shard]) => {
  const everywhere = body.includes(` ON CLUSTER \`${clusterName}\``);
  const ask = async ({ url }: Shard) => {
    const answer = await fetch(new URL(request.url ?? '/', url), {
      method: request.method ?? 'POST',
      headers: passed(Object.entries(request.headers)),
      ...(request.method !== 'GET' && { body: everywhere ? withoutKeeper(body.toString()) : body }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, headers: passed(answer.headers), bytes };
  };
  const first = await ask(shards[0]);
  return everywhere && first.status === 200 ? ask(shards[1]) : first;
};

const passed = (headers: Iterable<readonly [string, unknown]>): Record<string, string> =>
  Object.fromEntries(
    [...headers].flatMap(([name, value]) => (ownHeaders.has(name) ? [] : [[name, String(value)]])),
  );

/** Of one connection, or of the form the bytes had on it. */
const ownHeaders = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'host',
  'keep-alive',
  'transfer-encoding',
]);
