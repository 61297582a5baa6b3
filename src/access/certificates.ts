import type { Cancel, Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import {
  readTlsMaterial,
  type ServerTls,
  type TlsFiles,
  type TlsMaterial,
} from '../lib/tls-material.ts';

export interface CertificatesOptions {
  readonly files: TlsFiles;
  readonly readFile: (path: string) => string;
  /** Changes whenever the file does; throws where there is none. */
  readonly versionOf: (path: string) => string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface Certificates {
  /** One view of the certificates per listening port. */
  readonly tls: (clients: ServerTls['clients']) => ServerTls;
  /** Looks at once, and from now on at these files. */
  readonly reload: (files: TlsFiles) => void;
  readonly start: () => void;
  readonly stop: () => void;
}

/** Renewed certificates are in use this long after the last of their files was written. */
const lookEveryMs = 10_000;

/**
 * Keeps a certificate that is renewed in place, as certbot and Kubernetes do it. Files that do not
 * belong together, which may only mean that one of them is still being written, change nothing.
 * Rejects with ERR_TLS_FILES when the first reading fails.
 */
export const createCertificates = (options: CertificatesOptions): Certificates => {
  const { readFile, versionOf, clock, log } = options;
  const first = readTlsMaterial(options.files, readFile);
  if (!first.ok) {
    throw new Fault('ERR_TLS_FILES', `tls.${first.key}: ${first.message}`, { remedy: 'reject' });
  }
  let { files } = options;
  let { material, expiresAtMs } = first;
  let seen = '';
  let cancel: Cancel = () => {};
  const applies: ((material: TlsMaterial) => void)[] = [];

  options.meter.gauge(
    'tocsin_access_certificate_lifetime',
    { description: 'Time until the certificate of the listening ports expires', unit: 's' },
    () => (expiresAtMs - clock.nowMs()) / 1_000,
  );

  const versions = (): string =>
    [files.certFile, files.keyFile, files.clientCaFile ?? '']
      .map((path) => versionUnlessGone(path, versionOf))
      .join('\n');

  const look = (): void => {
    const now = versions();
    if (now === seen) return;
    seen = now;
    const reading = readTlsMaterial(files, readFile);
    if (!reading.ok) {
      log.warn('certificate_kept', { key: `tls.${reading.key}`, reason: reading.message });
      return;
    }
    if (isSame(reading.material, material)) return;
    ({ material, expiresAtMs } = reading);
    for (const apply of applies) apply(material);
    log.info('certificate_renewed', { expires: new Date(expiresAtMs).toISOString() });
  };

  const schedule = (): void => {
    cancel = clock.after(lookEveryMs, () => {
      look();
      schedule();
    });
  };

  seen = versions();
  return {
    tls: (clients) => ({
      material: () => material,
      clients,
      onRenewed: (apply) => {
        applies.push(apply);
      },
    }),
    reload: (next) => {
      files = next;
      seen = '';
      look();
    },
    start: schedule,
    stop: () => cancel(),
  };
};

const versionUnlessGone = (path: string, versionOf: (path: string) => string): string => {
  try {
    return path === '' ? '' : versionOf(path);
  } catch {
    return 'gone';
  }
};

const isSame = (a: TlsMaterial, b: TlsMaterial): boolean =>
  a.cert === b.cert && a.key === b.key && a.ca === b.ca && a.minVersion === b.minVersion;
