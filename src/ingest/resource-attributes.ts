import { addResourceAttributes } from '../decode/resource-attributes.ts';
import type { Ingest } from '../model/ingest.ts';

/**
 * Puts the attributes of a key on the resources of what came in with it, before anybody keeps the
 * bytes: then the journal, other threads and a replay know nothing of keys.
 */
export const withResourceAttributes =
  (ingest: Ingest): Ingest =>
  async (request) => {
    const { signal, encoding, body, resourceAttributes } = request;
    if (resourceAttributes === undefined) return ingest(request);
    const labelled = addResourceAttributes(signal, encoding, body, resourceAttributes);
    return ingest({ signal, encoding: 'protobuf', body: labelled });
  };
