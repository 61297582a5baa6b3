import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';

/**
 * What happens to an insert on its way to ClickHouse and back: `lost-answer` and `lying-error` are
 * applied, and the sender hears a broken connection or an error; `lost-request`
 * and `error` are not applied.
 */
export type InsertFate = 'pass' | 'lost-answer' | 'lying-error' | 'lost-request' | 'error' | 'slow';

export interface FaultyProxy {
  readonly url: string;
  /** How often each fate was met by an insert. */
  readonly met: Readonly<Record<InsertFate, number>>;
}

const slowMs = 2_000;

/** Stands before ClickHouse's HTTP interface and spoils inserts, everything else passes. */
export const startFaultyProxy = async (
  t: Pick<Test, 'teardown'>,
  target: string,
  fateOf: () => InsertFate,
): Promise<FaultyProxy> => {
  const met = { pass: 0, 'lost-answer': 0, 'lying-error': 0, 'lost-request': 0, error: 0, slow: 0 };
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await readAll(incoming);
    const isInsert = /INSERT/i.test(decodeURIComponent((incoming.url ?? '').replaceAll('+', ' ')));
    const fate = isInsert ? fateOf() : 'pass';
    if (isInsert) met[fate] += 1;
    if (fate === 'lost-request') return void incoming.socket.destroy();
    if (fate === 'error') return fail(outgoing, 503, 202, 'TOO_MANY_SIMULTANEOUS_QUERIES');
    const { status, headers, answer } = await forward(target, incoming, body);
    if (fate === 'lost-answer') return void incoming.socket.destroy();
    if (fate === 'lying-error') return fail(outgoing, 500, 210, 'NETWORK_ERROR');
    if (fate === 'slow') await sleep(slowMs);
    outgoing.writeHead(status, headers).end(answer);
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, met };
};

const fail = (outgoing: ServerResponse, status: number, code: number, name: string): void => {
  outgoing
    .writeHead(status, { 'X-ClickHouse-Exception-Code': String(code) })
    .end(`Code: ${code}. DB::Exception: made up by the test. (${name})\n`);
};

const forward = (target: string, { method, url, headers }: IncomingMessage, body: Buffer) =>
  new Promise<{ status: number; headers: Record<string, string>; answer: Buffer }>(
    (resolve, reject) => {
      const {
        host: _host,
        'transfer-encoding': _coding,
        connection: _connection,
        ...rest
      } = headers;
      const asking = request(
        `${target}${url ?? '/'}`,
        { method, headers: { ...rest, 'content-length': body.length }, agent: false },
        (response) => {
          readAll(response).then((answer) => {
            const { 'content-type': type, 'x-clickhouse-exception-code': code } = response.headers;
            resolve({
              status: response.statusCode ?? 502,
              answer,
              headers: {
                ...(type !== undefined && { 'content-type': type }),
                ...(typeof code === 'string' && { 'x-clickhouse-exception-code': code }),
              },
            });
          }, reject);
        },
      );
      asking.once('error', reject);
      asking.end(body);
    },
  );

const readAll = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};
