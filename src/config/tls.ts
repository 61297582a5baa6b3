import type { Path, Problem, ProblemAt } from '../lib/document.ts';
import { readTlsMaterial } from '../lib/tls-material.ts';
import type { TlsConfig } from './config.ts';
import { defined } from './defined.ts';
import type { ConfigDocument } from './schema.ts';
import type { ReadFile } from './secrets.ts';

export interface TlsSource {
  readonly tls: ConfigDocument['tls'];
  /** Makes a path of the file one from where the file is. */
  readonly fromFile: (path: Path, value: string) => string;
  readonly problemAt: ProblemAt;
  readonly readFile: ReadFile;
}

/** Undefined where all ports speak plain text. The files are read to see that they fit together. */
export const tlsOf = ({
  tls,
  fromFile,
  problemAt,
  readFile,
}: TlsSource): { readonly tls: TlsConfig | undefined; readonly problems: readonly Problem[] } => {
  const { cert_file: cert, key_file: key, client_ca_file: clientCa } = tls;
  const refuse = (name: string, message: string) => ({
    tls: undefined,
    problems: [problemAt(['tls', name], message)],
  });
  if (cert === undefined || key === undefined) {
    if (key !== undefined) return refuse('key_file', 'needs cert_file beside it');
    if (cert !== undefined) return refuse('cert_file', 'needs key_file beside it');
    if (clientCa !== undefined) {
      return refuse('client_ca_file', 'needs cert_file and key_file beside it');
    }
    return { tls: undefined, problems: [] };
  }
  const files = defined({
    certFile: fromFile(['tls', 'cert_file'], cert),
    keyFile: fromFile(['tls', 'key_file'], key),
    clientCaFile:
      clientCa === undefined ? undefined : fromFile(['tls', 'client_ca_file'], clientCa),
    versionMin: `TLSv${tls.min_version}` as const,
  });
  const reading = readTlsMaterial(files, readFile);
  if (!reading.ok) return refuse(reading.key, reading.message);
  return { tls: { ...files, ports: tls.ports }, problems: [] };
};
