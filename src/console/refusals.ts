import { Fault, messageOf } from '../lib/fault.ts';
import { keyFaultStatus } from '../model/access.ts';
import { type Detail, InvalidRequest } from './endpoint.ts';

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly details: readonly Detail[];
  readonly retryAfterMs?: number;
  /** True for what nobody foresaw; the log has it under the request's id. */
  readonly unforeseen: boolean;
}

const statuses: ReadonlyMap<string, number> = new Map<string, number>([
  ...Object.entries(keyFaultStatus).map(([code, [status]]) => [code, status] as const),
  ['ERR_CERTIFICATE_MISSING', 401],
  ['ERR_ALERT_UNKNOWN', 404],
  ['ERR_SILENCE_UNKNOWN', 404],
  ['ERR_RECEIVER_UNKNOWN', 404],
  ['ERR_DEAD_LETTER_UNKNOWN', 404],
  ['ERR_SLA_UNKNOWN', 404],
  ['ERR_SLA_MONTH_OPEN', 409],
  ['ERR_SET_ASIDE_REFUSED', 409],
  ['ERR_SET_ASIDE_UNREADABLE', 409],
  ['ERR_PATH_UNKNOWN', 404],
  ['ERR_CROSS_ORIGIN', 403],
  ['ERR_HOST_UNKNOWN', 403],
]);

/** Fastify's own failures, of which only what the sender can mend is shown. */
const frameworkCodes: ReadonlyMap<string, readonly [status: number, code: string]> = new Map([
  ['FST_ERR_CTP_BODY_TOO_LARGE', [413, 'ERR_BODY_TOO_LARGE']],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', [415, 'ERR_CONTENT_TYPE']],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', [400, 'ERR_REQUEST_INVALID']],
  ['FST_ERR_CTP_INVALID_JSON_BODY', [400, 'ERR_REQUEST_INVALID']],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', [400, 'ERR_REQUEST_INVALID']],
  ['FST_ERR_BAD_URL', [400, 'ERR_REQUEST_INVALID']],
]);

/** What a failure looks like from outside. A bug shows its request's id and nothing else. */
export const refusalOf = (error: unknown, requestId: string): Refusal => {
  if (error instanceof Fault) {
    const { code, message, remedy, retryAfterMs } = error;
    return {
      status: statuses.get(code) ?? (remedy === 'retry' ? 503 : 400),
      code,
      message,
      details: error instanceof InvalidRequest ? error.details : [],
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      unforeseen: false,
    };
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = frameworkCodes.get(code);
  if (known || error instanceof SyntaxError) {
    const [status, ours] = known ?? [400, 'ERR_REQUEST_INVALID'];
    return { status, code: ours, message: messageOf(error), details: [], unforeseen: false };
  }
  const message = `something went wrong here; the log has it as request ${requestId}`;
  return { status: 500, code: 'ERR_INTERNAL', message, details: [], unforeseen: true };
};
