import type { Coding } from '../model/ingest.ts';

/** What may stand in Accept-Encoding and grpc-accept-encoding, best first. */
export const codings: readonly Coding[] = ['zstd', 'gzip', 'deflate', 'identity'];

/** The coding meant by a Content-Encoding or grpc-encoding header; undefined when unknown. */
export const parseCoding = (header: string | undefined): Coding | undefined => {
  switch (header?.trim().toLowerCase() ?? '') {
    case '':
    case 'none':
    case 'identity':
      return 'identity';
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
      return 'deflate';
    case 'zstd':
      return 'zstd';
    default:
      return undefined;
  }
};
