import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import type { InsertRows } from './model/query.ts';

/** Something that a person changed. */
export interface Deed {
  /** Such as `dead_letter_dropped`. */
  readonly action: string;
  /** What it was done to: an id or a name. */
  readonly subject: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Resolves when it stands in `audit_log`; rejects with the Fault of the insert. */
export type Audit = (deed: Deed) => Promise<void>;

export interface AuditOptions {
  readonly insertRows: InsertRows;
  readonly newId: () => string;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Everything comes over the API, whose keys say what one may do and not who one is. */
export const createAudit =
  ({ insertRows, newId, clock }: AuditOptions): Audit =>
  ({ action, subject, before, after }) => {
    const row = {
      At: (clock.nowMs() / 1_000).toFixed(3),
      Actor: '',
      Action: action,
      Subject: subject,
      Before: before === undefined ? '' : JSON.stringify(before),
      After: after === undefined ? '' : JSON.stringify(after),
      Source: 'api',
    };
    return insertRows('audit_log', [row], `audit-${newId()}`);
  };

/** Things that wait for a person. */
interface Box<T> {
  readonly list: () => Promise<readonly T[]>;
  readonly retry: (id: string) => Promise<boolean>;
  readonly drop: (id: string) => Promise<boolean>;
}

/** Nothing is dropped before it stands in the books; another attempt does not wait for them. */
export const audited = <T extends { readonly id: string }>(
  { audit, log }: { readonly audit: Audit; readonly log: Log },
  box: Box<T>,
): Box<T> => {
  const deed = async (action: string, id: string) => {
    const before = (await box.list()).find((it) => it.id === id);
    if (before) await audit({ action, subject: id, before });
  };
  return {
    list: box.list,
    retry: async (id) => {
      await deed('dead_letter_retried', id).catch((error: unknown) => {
        log.warn('deed_not_audited', { action: 'dead_letter_retried', id, error });
      });
      return box.retry(id);
    },
    drop: async (id) => {
      await deed('dead_letter_dropped', id);
      return box.drop(id);
    },
  };
};
