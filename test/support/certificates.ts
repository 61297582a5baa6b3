import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly dir: string;
  readonly caFile: string;
  readonly ca: string;
  /** A certificate for 127.0.0.1 and localhost under `name`, in files named so; again to renew it. */
  readonly issue: (name: string, days?: number) => Issued;
}

/** An authority of its own, made by openssl, gone with the test. */
export const makeAuthority = (t: Pick<Test, 'teardown'>): Authority => {
  const dir = mkdtempSync(join(tmpdir(), 'tocsin-tls-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const at = (name: string): string => join(dir, name);
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Test CA');

  const issue = (name: string, days = 30): Issued => {
    const subject = ['-subj', `/CN=${name}`];
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...subject);
    writeFileSync(at('ext'), `subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:${name}\n`);
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext'];
    const files = ['-in', `${name}.csr`, '-out', `${name}.pem`];
    openssl('x509', '-req', ...files, ...signing, '-days', String(days));
    const [certFile, keyFile] = [at(`${name}.pem`), at(`${name}.key`)];
    return { certFile, keyFile, cert: read(`${name}.pem`), key: read(`${name}.key`) };
  };
  return { dir, caFile: at('ca.pem'), ca: read('ca.pem'), issue };
};
