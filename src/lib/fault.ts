/** What the caller should do about a failure. Boundaries map this, never the message text. */
export type Remedy = 'reject' | 'retry';

export interface FaultOptions {
  readonly remedy: Remedy;
  readonly cause?: unknown;
  /** A delay the failing peer asked for; only meaningful with `retry`. */
  readonly retryAfterMs?: number;
}

/** An operating failure we foresaw. Whatever else is thrown is a bug and keeps its own stack. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: `ERR_${string}`;
  readonly remedy: Remedy;
  readonly retryAfterMs: number | undefined;

  constructor(code: `ERR_${string}`, message: string, options: FaultOptions) {
    super(message, { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** `unforeseen` obliges each boundary to decide: answer 500, fail the job, or stop the process. */
export const remedyOf = (error: unknown): Remedy | 'unforeseen' =>
  error instanceof Fault ? error.remedy : 'unforeseen';

/** The text a person should read, whatever was thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
