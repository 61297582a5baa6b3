import { decompress } from '../decode/decompress.ts';
import { addResourceAttributes } from '../decode/resource-attributes.ts';
import type { Encoding, OtlpRequest, WireBody } from '../model/ingest.ts';

export interface PlainBody {
  readonly encoding: Encoding;
  readonly body: Uint8Array;
  /** What is smaller to keep and to compare, if there is such a thing. */
  readonly wire?: WireBody;
}

/**
 * What a request says, ready to be decoded. The attributes of a key are put on its resources here,
 * before anybody keeps the bytes: then the journal and a replay know nothing of keys. Throws the
 * Faults of `decompress`, and ERR_OTLP_MALFORMED when attributes cannot be put on it.
 */
export const plainBody = (request: OtlpRequest, bodyBytesMax: number): PlainBody => {
  const { signal, encoding, coding = 'identity', resourceAttributes } = request;
  const body = decompress(coding, request.body, bodyBytesMax);
  if (resourceAttributes) {
    const labelled = addResourceAttributes(signal, encoding, body, resourceAttributes);
    return { encoding: 'protobuf', body: labelled };
  }
  return {
    encoding,
    body,
    ...(coding !== 'identity' && { wire: { coding, bytes: request.body } }),
  };
};
