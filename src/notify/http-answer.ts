import { Fault, messageOf } from '../lib/fault.ts';
import type { HttpResponse } from '../lib/http-client.ts';
import type { DeliveryOutcome } from '../model/notification.ts';
import { clip } from './format-value.ts';

const answerCharsMax = 500;
/** Statuses of the 4xx range that say "later", not "never". */
const laterStatuses: readonly number[] = [408, 425, 429];

/** What an HTTP answer means for a delivery: only 2xx has taken it, and nothing is followed. */
export const outcomeOf = (response: HttpResponse, nowMs: number): DeliveryOutcome => {
  const { status } = response;
  const answer = answerText(`${status} ${response.text}`);
  if (status >= 200 && status < 300) return { kind: 'delivered', answer };
  if (status >= 500 || laterStatuses.includes(status)) {
    const retryAfterMs = retryAfterOf(response.headers['retry-after'], nowMs);
    const reason = status === 429 ? 'rate-limited' : `status-${status}`;
    return { kind: 'retry', reason, answer, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }
  const redirected = status >= 300 && status < 400;
  return { kind: 'refused', reason: redirected ? 'redirected' : `status-${status}`, answer };
};

/** A failure before any answer. Throws on what is not a Fault. */
export const outcomeOfFault = (error: unknown): DeliveryOutcome => {
  if (!(error instanceof Fault)) throw error;
  const answer = answerText(messageOf(error));
  const reason = error.code.slice(4).toLowerCase().replaceAll('_', '-');
  if (error.remedy === 'reject') return { kind: 'refused', reason, answer };
  return {
    kind: 'retry',
    reason,
    answer,
    ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
  };
};

/** Seconds or an HTTP date; undefined when absent or neither. */
export const retryAfterOf = (header: string | undefined, nowMs: number): number | undefined => {
  if (header === undefined || header.trim() === '') return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Math.round(Number(header) * 1_000);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
};

/** One bounded line without control characters, fit for the ledger. */
export const answerText = (text: string): string =>
  clip(text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim(), answerCharsMax);
