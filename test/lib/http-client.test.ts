import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { httpRequest } from '../../src/lib/http-client.ts';

const listen = (server: Server): Promise<string> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });
  });

const base = { method: 'GET', timeoutMs: 2_000, responseBytesMax: 1_000 } as const;

t.test('any status is an answer and a redirect is not followed', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(302, { location: '/elsewhere', 'retry-after': '7' }).end('moved');
  });
  const url = await listen(server);
  t.teardown(() => server.close());
  const answer = await httpRequest({ ...base, url });
  t.match(answer, { status: 302, headers: { 'retry-after': '7' }, text: 'moved' });
});

t.test('an answer is cut at its limit', async (t) => {
  const server = createServer((_, response) => response.end('x'.repeat(500_000)));
  const url = await listen(server);
  t.teardown(() => server.close());
  const answer = await httpRequest({ ...base, url, responseBytesMax: 10 });
  t.equal(answer.text, 'x'.repeat(10));
});

t.test('a silent peer is a timeout that may be tried again', async (t) => {
  const server = createServer(() => {});
  const url = await listen(server);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  await t.rejects(httpRequest({ ...base, url, timeoutMs: 50 }), {
    code: 'ERR_HTTP_TIMEOUT',
    remedy: 'retry',
  });
});

t.test('a closed port is unreachable and its message has no path', async (t) => {
  const server = createServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  await t.rejects(httpRequest({ ...base, url: `${url}/services/SECRET` }), {
    code: 'ERR_HTTP_UNREACHABLE',
    message: /^(?!.*SECRET)/,
  });
});

t.test('something that is no URL is refused for good', async (t) => {
  await t.rejects(httpRequest({ ...base, url: 'no url' }), {
    code: 'ERR_HTTP_URL',
    remedy: 'reject',
  });
});
