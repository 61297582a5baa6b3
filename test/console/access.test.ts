import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import t from 'tap';
import { createCertificates } from '../../src/access/certificates.ts';
import type { Authorize } from '../../src/console/authorization.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/lib/fault.ts';
import { silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { type Issued, makeAuthority } from '../support/certificates.ts';
import { memoryBackend, startConsole } from '../support/console.ts';

const onlyKey: Authorize = ({ authorization }) => {
  if (authorization === 'Bearer good') return;
  throw new Fault('ERR_KEY_MISSING', 'a key is needed here', { remedy: 'reject' });
};

// biome-ignore format: one path per line.
const paths: readonly (readonly [method: string, path: string, open: boolean])[] = [
  ['GET',    '/health/live',           true],
  ['GET',    '/health/ready',          true],
  ['GET',    '/-/healthy',             true],
  ['GET',    '/-/ready',               true],
  ['GET',    '/',                      false],
  ['GET',    '/metrics',               false],
  ['GET',    '/api/v1/status',         false],
  ['GET',    '/api/v1/alerts',         false],
  ['GET',    '/api/v1/openapi.json',   false],
  ['POST',   '/api/v1/silences',       false],
  ['DELETE', '/api/v1/silences/s1',    false],
  ['POST',   '/-/reload',              false],
  ['GET',    '/health/live/../..//api/v1/alerts', false],
  ['GET',    '/nowhere',               false],
];

t.test('everything but health needs a key where the console asks for one', async (t) => {
  const url = await startConsole(t, memoryBackend(), { authorize: onlyKey });
  for (const [method, path, open] of paths) {
    const { status } = await fetch(`${url}${path}`, { method });
    t.equal(status, open ? 200 : 401, `${method} ${path}`);
  }
  const headers = { authorization: 'Bearer good' };
  t.equal((await fetch(`${url}/api/v1/alerts`, { headers })).status, 200);
  t.equal((await fetch(`${url}/-/reload`, { method: 'POST', headers })).status, 200);
});

t.test('a console with TLS tells certified people from others', async (t) => {
  const authority = makeAuthority(t);
  const files = { ...authority.issue('server'), clientCaFile: authority.caFile };
  const certificates = createCertificates({
    files: { ...files, versionMin: 'TLSv1.2' },
    readFile: (path) => readFileSync(path, 'utf8'),
    versionOf: () => '',
    clock: systemClock,
    log: silentLog,
    meter: noopMeter,
  });
  const url = await startConsole(t, memoryBackend(), {
    tls: certificates.tls('asked'),
    authorize: ({ certified }) => {
      if (certified) return;
      throw new Fault('ERR_CERTIFICATE_MISSING', 'a certificate is needed', { remedy: 'reject' });
    },
  });
  const ask = (path: string, client?: Issued) =>
    new Promise<number>((resolve, reject) => {
      const pair = client && { cert: client.cert, key: client.key };
      const where = `${url.replace('http:', 'https:')}${path}`;
      request(where, { ca: authority.ca, agent: false, ...pair }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      })
        .on('error', reject)
        .end();
    });
  t.equal(await ask('/health/ready'), 200);
  t.equal(await ask('/api/v1/alerts'), 401);
  t.equal(await ask('/api/v1/alerts', makeAuthority(t).issue('stranger')), 401);
  t.equal(await ask('/api/v1/alerts', authority.issue('person')), 200);
});
