import type { ChildProcess } from 'node:child_process';
import type { BackoffLimits, Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import type { Fault } from '../lib/fault.ts';
import type { Log } from '../lib/log.ts';
import type { Meter } from '../lib/meter.ts';

/** What a child is doing, for `/health/ready`: only `running` serves. */
export type ChildState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'running' }
  | { readonly kind: 'restarting'; readonly reason: string }
  | { readonly kind: 'stopped' };

export interface SupervisorLimits {
  /** From spawn to the first good probe. */
  readonly startMsMax: number;
  readonly probeEveryMs: number;
  readonly probeMsMax: number;
  /** So many bad probes in a row end the child. */
  readonly probeFailuresMax: number;
  /** From the polite request to SIGKILL. */
  readonly stopMsMax: number;
  readonly backoff: BackoffLimits;
}

export interface SupervisedPart {
  /** `clickhouse` or `redis`: the label of metrics and log lines. */
  readonly name: string;
  /** Runs before each spawn: makes way for it. */
  readonly prepare?: () => Promise<void>;
  /** Starts the process as leader of a group of its own; what it has to say comes through pipes. */
  readonly spawn: () => ChildProcess;
  /** Resolves when the child serves; rejects otherwise. Must respect the signal. */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  /** Asks the child to end in an orderly way; the supervisor waits for the exit. */
  readonly askToStop: (child: ChildProcess) => Promise<void> | void;
  /** Turns an early exit into a Fault a person can act on. */
  readonly explain: (output: string) => Fault | undefined;
}

export interface SupervisorTools {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly random: Random;
}

export interface Supervised {
  readonly state: () => ChildState;
  readonly restartCount: () => number;
  /** Of the child that runs now, if one does. */
  readonly pid: () => number | undefined;
  /** Ends the child for good. Later calls return the first call's promise. */
  readonly stop: () => Promise<void>;
}
