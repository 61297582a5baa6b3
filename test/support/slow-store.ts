import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Speaks just enough of ClickHouse's HTTP to hold every insert until `release`. */
export const startSlowStore = async (t: { readonly teardown: (end: () => unknown) => void }) => {
  const gate = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      void gate.promise.then(() => response.writeHead(200).end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    gate.resolve();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    username: 'default',
    password: '',
    release: () => gate.resolve(),
  };
};
