import { readFileSync, statSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import t from 'tap';
import { type Certificates, createCertificates } from '../../src/access/certificates.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { type Authority, type Issued, makeAuthority } from '../support/certificates.ts';
import { within } from '../support/daemon.ts';
import { finishedSpans } from '../support/spans.ts';
import { type Doors, openGrpc, openHttp } from './doors.ts';

type Teardown = Parameters<typeof openHttp>[0];

interface Secured {
  readonly authority: Authority;
  readonly server: Issued;
  readonly certificates: Certificates;
  readonly files: Parameters<Certificates['reload']>[0];
}

const secured = (t: Teardown): Secured => {
  const authority = makeAuthority(t);
  const server = authority.issue('server');
  const files = { ...server, clientCaFile: authority.caFile, versionMin: 'TLSv1.2' as const };
  const certificates = createCertificates({
    files,
    readFile: (path) => readFileSync(path, 'utf8'),
    versionOf: (path) => `${statSync(path, { bigint: true }).mtimeNs}`,
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
  });
  return { authority, server, certificates, files };
};

/** The name in the certificate that a new connection is shown; HTTP/2 where it is asked for. */
const serverName = ({ address }: Doors, ca: string, client?: Issued) =>
  new Promise<{ readonly name: string; readonly alpn: string | false | null }>(
    (resolve, reject) => {
      const pair = client && { cert: client.cert, key: client.key };
      const socket = connect({ ...address, ca, ...pair, ALPNProtocols: ['h2', 'http/1.1'] }, () => {
        resolve({
          name: String(socket.getPeerCertificate().subject.CN),
          alpn: socket.alpnProtocol,
        });
        socket.end();
      });
      socket.on('error', reject);
    },
  );

const exportTo = (t: Teardown, exporter: SpanExporter) => {
  t.teardown(() => exporter.shutdown());
  return new Promise<number>((resolve) =>
    exporter.export(finishedSpans(), ({ code }) => resolve(code)),
  );
};

const overHttp = (t: Teardown, { address }: Doors, ca: string, client?: Issued) =>
  exportTo(
    t,
    new ProtobufTraces({
      url: `https://${address.host}:${address.port}/v1/traces`,
      timeoutMillis: 3_000,
      httpAgentOptions: { ca, ...(client && { cert: client.cert, key: client.key }) },
    }),
  );

const overGrpc = (t: Teardown, { address }: Doors, ca: string, client?: Issued) =>
  exportTo(
    t,
    new GrpcTraces({
      url: `https://${address.host}:${address.port}`,
      timeoutMillis: 3_000,
      credentials: credentials.createSsl(
        Buffer.from(ca),
        client ? Buffer.from(client.key) : null,
        client ? Buffer.from(client.cert) : null,
      ),
    }),
  );

const doors = [
  ['HTTP', openHttp, overHttp, 'http/1.1'],
  ['gRPC', openGrpc, overGrpc, 'h2'],
] as const;

for (const [name, open, send, alpn] of doors) {
  t.test(
    `an exporter over ${name} with TLS is taken, and one that trusts others is not`,
    async (t) => {
      const { authority, certificates } = secured(t);
      const door = await open(t, { tls: certificates.tls('none') });
      t.equal(await send(t, door, authority.ca), 0);
      t.equal(door.taken.length, 1);
      t.strictSame(await serverName(door, authority.ca), { name: 'server', alpn });
      const stranger = makeAuthority(t);
      t.equal(await send(t, door, stranger.ca), 1);
      t.equal(door.taken.length, 1);
    },
  );

  t.test(`whoever does not show a client certificate over ${name} does not get in`, async (t) => {
    const { authority, certificates } = secured(t);
    const door = await open(t, { tls: certificates.tls('required') });
    const client = authority.issue('shop-agent');
    const stranger = makeAuthority(t).issue('stranger');
    t.equal(await send(t, door, authority.ca), 1);
    t.equal(await send(t, door, authority.ca, stranger), 1);
    t.equal(door.taken.length, 0);
    t.equal(await send(t, door, authority.ca, client), 0);
    t.equal(door.taken.length, 1);
    const connected = door.lines.filter((it) => it.event === 'client_connected');
    t.match(connected[0]?.fields, { client: /CN=shop-agent; .*DNS:shop-agent/ });
    t.ok(door.metric('tocsin_receive_connections_refused', { reason: 'tls' }) >= 2);
  });

  t.test(`a renewed certificate and authority hold for new connections over ${name}`, async (t) => {
    const { authority, certificates, files } = secured(t);
    const door = await open(t, { tls: certificates.tls('required') });
    const client = authority.issue('shop-agent');
    t.equal((await serverName(door, authority.ca, client)).name, 'server');
    const other = makeAuthority(t);
    const renewed = other.issue('renewed');
    certificates.reload({ ...files, ...renewed, clientCaFile: other.caFile });
    const newClient = other.issue('new-agent');
    t.equal((await serverName(door, other.ca, newClient)).name, 'renewed');
    t.equal(await send(t, door, other.ca, newClient), 0);
    t.equal(await send(t, door, other.ca, client), 1, 'the old authority is trusted no more');
  });

  t.test(`whoever speaks plain text to ${name} with TLS harms nobody`, async (t) => {
    const { authority, certificates } = secured(t);
    const door = await open(t, { tls: certificates.tls('none') });
    const plain = connectPlain(door.address.port, door.address.host);
    plain.on('error', () => {});
    plain.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => plain.once('close', resolve));
    t.equal(door.metric('tocsin_receive_connections_refused', { reason: 'tls' }), 1);
    t.equal(await send(t, door, authority.ca), 0);
  });

  t.test(
    `a handshake that nobody goes on with over ${name} is cut off, also by stop`,
    async (t) => {
      const { certificates } = secured(t);
      const tls = certificates.tls('none');
      const patient = await open(t, { tls });
      const hanging = await dial(t, patient);
      await within(
        5_000,
        () => patient.metric('tocsin_receive_connections_open') === 1 || undefined,
      );
      const closed = new Promise((resolve) => hanging.once('close', resolve));
      await patient.server.stop();
      await closed;
      const hasty = await open(t, { tls, limits: { headersMsMax: 50 } });
      const late = await dial(t, hasty);
      await new Promise((resolve) => late.once('close', resolve));
      t.equal(hasty.metric('tocsin_receive_connections_refused', { reason: 'tls' }), 1);
    },
  );
}

const dial = (t: Teardown, { address }: Doors) =>
  new Promise<Socket>((resolve) => {
    const socket = connectPlain(address.port, address.host, () => resolve(socket));
    socket.on('error', () => {}).resume();
    t.teardown(() => socket.destroy());
  });

t.test('connections with TLS are kept, and stop closes the idle ones at once', async (t) => {
  const { authority, certificates } = secured(t);
  const door = await openHttp(t, { tls: certificates.tls('none'), limits: { drainMsMax: 5_000 } });
  const agent = new Agent({ keepAlive: true, ca: authority.ca });
  t.teardown(() => agent.destroy());
  const ask = () =>
    new Promise<boolean>((resolve, reject) => {
      const headers = { 'content-type': 'application/x-protobuf' };
      const { host, port } = door.address;
      const sending = request(
        { host, port, path: '/v1/traces', method: 'POST', headers, agent },
        (response) => response.resume().on('end', () => resolve(sending.reusedSocket)),
      );
      sending.on('error', reject).end();
    });
  t.equal(await ask(), false);
  t.equal(await ask(), true);
  const beganMs = performance.now();
  await door.server.stop();
  t.ok(performance.now() - beganMs < 2_000);
});

t.test('a sender below the least TLS version is refused', async (t) => {
  const { authority, certificates, files } = secured(t);
  certificates.reload({ ...files, versionMin: 'TLSv1.3' });
  const door = await openHttp(t, { tls: certificates.tls('none') });
  const { address } = door;
  const version = (maxVersion: 'TLSv1.2' | 'TLSv1.3') =>
    new Promise<string | null>((resolve) => {
      const socket = connect({ ...address, ca: authority.ca, maxVersion }, () => {
        resolve(socket.getProtocol());
        socket.end();
      });
      socket.on('error', () => resolve(null));
    });
  t.equal(await version('TLSv1.2'), null);
  t.equal(await version('TLSv1.3'), 'TLSv1.3');
});
