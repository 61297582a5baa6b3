import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';
import type { ServerTls } from '../lib/tls-material.ts';
import type { Tracer } from '../lib/tracer.ts';
import type { Admit } from '../model/access.ts';
import type { Ingest } from '../model/ingest.ts';
import type { ReportReject } from '../model/rejects.ts';
import type { ByteBudget } from './budget.ts';
import type { ReceiveLimits } from './limits.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface OtlpServerOptions {
  /** Port 0 picks a free one. */
  readonly listen: Address;
  readonly ingest: Ingest;
  readonly limits: ReceiveLimits;
  /** Judges who sends, before a body is read. Without it everybody may. */
  readonly admit?: Admit;
  /** Told of all that is refused and will not be sent again. */
  readonly rejected?: ReportReject;
  /** Without it the port speaks plain text. */
  readonly tls?: ServerTls;
  /** Shared between doors that share the memory; a door without one gets `heldBytesMax` alone. */
  readonly budget?: ByteBudget;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Spans around ingest. Leave it out where these spans would come back through this very door. */
  readonly tracer?: Tracer;
}

export interface OtlpServer {
  /** Resolves with what was bound. Faults: ERR_PORT_IN_USE, ERR_LISTEN_FAILED (`reject`). */
  readonly start: () => Promise<Address>;
  /**
   * Takes no further requests, lets those under way end within `drainMsMax`, then closes. Safe
   * before start and twice.
   */
  readonly stop: () => Promise<void>;
}
