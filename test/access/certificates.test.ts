import { readFileSync, statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { createCertificates } from '../../src/access/certificates.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type Log, silentLog } from '../../src/lib/log.ts';
import { noopMeter } from '../../src/lib/meter.ts';
import { makeAuthority } from '../support/certificates.ts';

const open = (t: Parameters<typeof makeAuthority>[0]) => {
  const authority = makeAuthority(t);
  const issued = authority.issue('server');
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (event) => lines.push(event),
    warn: (event, fields) => lines.push(`${event} ${String(fields?.['key'])}`),
  };
  /** What the timer would do. */
  const timer: { look: () => void } = { look: () => {} };
  const clock = {
    ...systemClock,
    after: (_delayMs: number, action: () => void) => {
      timer.look = action;
      return () => {
        timer.look = () => {};
      };
    },
  };
  const files = { ...issued, clientCaFile: authority.caFile, versionMin: 'TLSv1.2' as const };
  const certificates = createCertificates({
    files,
    readFile: (path) => readFileSync(path, 'utf8'),
    versionOf: (path) => `${statSync(path, { bigint: true }).mtimeNs}`,
    clock,
    log,
    meter: noopMeter,
  });
  const applied: string[] = [];
  const tls = certificates.tls('none');
  tls.onRenewed(({ cert }) => applied.push(cert));
  certificates.start();
  return { authority, issued, files, certificates, tls, timer, lines, applied };
};

t.test('a renewed certificate is taken over, once', async (t) => {
  const { authority, tls, timer, lines, applied } = open(t);
  timer.look();
  t.strictSame(applied, []);
  const renewed = authority.issue('server');
  timer.look();
  timer.look();
  t.strictSame(applied, [renewed.cert]);
  t.equal(tls.material().cert, renewed.cert);
  t.strictSame(lines, ['certificate_renewed']);
});

t.test('files that do not belong together change nothing, until they do', async (t) => {
  const { authority, issued, tls, timer, lines, applied } = open(t);
  const other = authority.issue('other');
  writeFileSync(issued.certFile, other.cert);
  timer.look();
  timer.look();
  t.equal(tls.material().cert, issued.cert);
  t.strictSame(lines, ['certificate_kept tls.key_file'], 'it is said once');
  writeFileSync(issued.keyFile, other.key);
  timer.look();
  t.strictSame(applied, [other.cert]);
});

t.test('a broken or missing file keeps the certificate and says which', async (t) => {
  const { issued, files, certificates, tls, timer, lines } = open(t);
  writeFileSync(issued.certFile, 'no certificate');
  timer.look();
  certificates.reload({ ...files, keyFile: `${files.keyFile}.gone` });
  t.strictSame(lines, ['certificate_kept tls.cert_file', 'certificate_kept tls.key_file']);
  t.equal(tls.material().cert, issued.cert);
});

t.test('a reload may name other files, and nothing is looked at after stop', async (t) => {
  const { authority, files, certificates, timer, applied } = open(t);
  const other = authority.issue('other');
  certificates.reload({ ...files, ...other });
  t.strictSame(applied, [other.cert]);
  certificates.stop();
  authority.issue('other');
  timer.look();
  t.equal(applied.length, 1);
});

t.test('without good files at the start there is no server', async (t) => {
  const readFile = (): string => 'nothing';
  const options = { readFile, versionOf: () => '', clock: systemClock, log: silentLog };
  const files = { certFile: 'a', keyFile: 'b', versionMin: 'TLSv1.2' } as const;
  t.throws(() => createCertificates({ ...options, files, meter: noopMeter }), {
    code: 'ERR_TLS_FILES',
    message: /tls.cert_file/,
  });
});
