import protobuf from 'protobufjs';

/** A field with a length before it; shorter than 128 bytes. */
export const message = (field: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([field * 8 + 2, bytes.length]), bytes]);

export const string = (field: number, text: string): Buffer => message(field, Buffer.from(text));

/** An attribute of a Resource. */
export const keyValue = (key: string, value: string): Buffer =>
  message(1, Buffer.concat([string(1, key), message(2, string(1, value))]));

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated Item items = 1; }
  message Item { Resource resource = 1; }
  message Resource { repeated Pair attributes = 1; }
  message Pair { string key = 1; Value value = 2; }
  message Value { string text = 1; }
`);

/** Name and value of each attribute of each resource, as protobufjs reads them. */
export const resourcesOf = (request: Uint8Array): readonly unknown[] => {
  const type = root.lookupType('Request');
  const { items = [] } = type.toObject(type.decode(request)) as {
    items?: { resource?: { attributes?: { key: string; value: { text: string } }[] } }[];
  };
  return items.map((it) =>
    (it.resource?.attributes ?? []).map(({ key, value }) => [key, value.text]),
  );
};
