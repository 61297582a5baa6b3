import type { Cancel, Clock } from '../lib/clock.ts';
import { remedyOf } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { InsertRows } from '../model/query.ts';
import type { Reject, ReportReject } from '../model/rejects.ts';

export interface RejectBookLimits {
  /** What is alike within it becomes one row. */
  readonly windowMs: number;
  /** Kinds told apart in a window; the rest is kept by signal and reason alone. */
  readonly kindsMax: number;
  /** After it, what is not stored at stop is lost. */
  readonly stopMsMax: number;
}

const defaultLimits: RejectBookLimits = { windowMs: 10_000, kindsMax: 1_000, stopMsMax: 3_000 };

export interface RejectBookOptions {
  readonly insertRows: InsertRows;
  /** Unique among all daemons of all times: tokens begin with it. */
  readonly instanceId: string;
  readonly limits?: Partial<RejectBookLimits>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export interface RejectBook {
  readonly report: ReportReject;
  /** Stores what is noted, trying once more. Call when nothing is reported any more. */
  readonly stop: () => Promise<void>;
}

interface Entry {
  readonly first: Reject;
  readonly atMs: number;
  count: number;
}

interface Page {
  readonly token: string;
  readonly entries: readonly Entry[];
  /** An attempt at it failed, nobody knows how far it got. */
  readonly sentBefore: boolean;
}

/**
 * The books of what was refused, kept in `otlp_rejects`. Bounded whatever comes: one window being
 * filled and one page on its way. While ClickHouse is away the window just grows longer; a page is
 * sent again under its token, so it is stored once.
 */
export const createRejectBook = (options: RejectBookOptions): RejectBook => {
  const { insertRows, instanceId, clock, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const window = new Map<string, Entry>();
  let page: Page | undefined;
  let pages = 0;
  let sending: Promise<void> | undefined;
  let cancelTimer: Cancel | undefined;

  const countLost = options.meter.counter('tocsin_receive_rejects_lost', {
    description: 'Rows of otlp_rejects that ClickHouse refused',
    unit: '{row}',
  });
  options.meter.gauge(
    'tocsin_receive_rejects_waiting',
    { description: 'Rows of otlp_rejects that are not stored yet', unit: '{row}' },
    () => window.size + (page?.entries.length ?? 0),
  );

  const report = (reject: Reject): void => {
    const key = keyOf(reject);
    if (window.has(key) || window.size < limits.kindsMax) note(key, reject);
    else note(keyOf(anonymous(reject)), anonymous(reject));
    cancelTimer ??= clock.after(limits.windowMs, flush);
  };

  const note = (key: string, reject: Reject): void => {
    const entry = window.get(key);
    if (entry) entry.count += reject.count;
    else window.set(key, { first: reject, atMs: clock.nowMs(), count: reject.count });
  };

  const flush = (): void => {
    cancelTimer = undefined;
    sending ??= send().finally(() => {
      sending = undefined;
      if (page !== undefined || window.size > 0)
        cancelTimer ??= clock.after(limits.windowMs, flush);
    });
  };

  const send = async (): Promise<void> => {
    page ??= turnPage();
    if (!page) return;
    const { entries, token, sentBefore } = page;
    page = { ...page, sentBefore: true };
    try {
      await insertRows('otlp_rejects', entries.map(rowOf), token, sentBefore);
      page = undefined;
    } catch (error) {
      const isFinal = remedyOf(error) !== 'retry';
      log.warn('rejects_not_stored', { rows: entries.length, kept: !isFinal, error });
      if (!isFinal) return;
      countLost(entries.length);
      page = undefined;
    }
  };

  const turnPage = (): Page | undefined => {
    if (window.size === 0) return undefined;
    const entries = [...window.values()];
    window.clear();
    pages += 1;
    return { token: `${instanceId}-rejects-${pages}`, entries, sentBefore: false };
  };

  const stop = async (): Promise<void> => {
    cancelTimer?.();
    cancelTimer = () => {};
    const last = async (): Promise<void> => {
      await sending;
      await send();
      // What was on its way before the last window.
      if (!page && window.size > 0) await send();
    };
    const deadline = new AbortController();
    await Promise.race([last(), clock.sleep(limits.stopMsMax, deadline.signal)]);
    deadline.abort();
    const rows = window.size + (page?.entries.length ?? 0);
    if (rows > 0) log.warn('rejects_left', { rows });
  };

  let stopping: Promise<void> | undefined;
  return { report, stop: () => (stopping ??= stop()) };
};

const keyOf = (it: Reject): string =>
  JSON.stringify([
    ...[it.unit, it.signal, it.encoding, it.transport],
    ...[it.peer, it.key, it.serviceName, it.code],
  ]);

/** What is left when there are too many kinds: a few hundred combinations at most. */
const anonymous = (it: Reject): Reject => ({ ...it, peer: '(others)', key: '', serviceName: '' });

const rowOf = ({ first, atMs, count }: Entry): Readonly<Record<string, unknown>> => ({
  // Seconds with a fraction: the one form whose meaning depends on no time zone.
  At: (atMs / 1_000).toFixed(3),
  Signal: first.signal,
  Transport: first.transport,
  Encoding: first.encoding,
  Peer: first.peer,
  KeyName: first.key,
  ServiceName: first.serviceName,
  Unit: first.unit,
  ReasonCode: first.code,
  Reason: first.reason,
  Count: count,
  Sample: first.sample,
  RequestBytes: first.requestBytes,
});
