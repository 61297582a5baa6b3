import type { Encoding } from '../model/ingest.ts';
import { lengthField, textField, varintField } from './protobuf.ts';
import { grpcCodes, type Refusal } from './refusal.ts';

const typeUrl = 'type.googleapis.com/google.rpc.';

/**
 * google.rpc.Status with a RetryInfo where the sender is to come back and a BadRequest where its
 * bytes are at fault: the body of every 4xx and 5xx, and grpc-status-details-bin.
 */
export const statusBody = (refusal: Refusal, encoding: Encoding): Buffer =>
  encoding === 'json' ? Buffer.from(JSON.stringify(jsonStatus(refusal))) : protobufStatus(refusal);

const jsonStatus = ({ grpcCode, message, retryAfterMs, badRequest }: Refusal) => {
  const details = [
    ...(retryAfterMs === undefined
      ? []
      : [{ '@type': `${typeUrl}RetryInfo`, retryDelay: `${(retryAfterMs / 1000).toFixed(3)}s` }]),
    ...(badRequest
      ? [
          {
            '@type': `${typeUrl}BadRequest`,
            fieldViolations: [{ field: 'body', description: message }],
          },
        ]
      : []),
  ];
  return { code: grpcCodes[grpcCode], message, ...(details.length > 0 && { details }) };
};

const protobufStatus = ({ grpcCode, message, retryAfterMs, badRequest }: Refusal): Buffer => {
  const fields = [varintField(1, grpcCodes[grpcCode]), textField(2, message)];
  if (retryAfterMs !== undefined) {
    fields.push(any('RetryInfo', lengthField(1, duration(retryAfterMs))));
  }
  if (badRequest) {
    const violation = Buffer.concat([textField(1, 'body'), textField(2, message)]);
    fields.push(any('BadRequest', lengthField(1, violation)));
  }
  return Buffer.concat(fields);
};

const any = (name: string, value: Uint8Array): Buffer =>
  lengthField(3, Buffer.concat([textField(1, `${typeUrl}${name}`), lengthField(2, value)]));

const duration = (ms: number): Buffer =>
  Buffer.concat([
    varintField(1, Math.floor(ms / 1000)),
    varintField(2, Math.round(ms % 1000) * 1_000_000),
  ]);
