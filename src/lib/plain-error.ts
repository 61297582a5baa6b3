import { Fault, type Remedy } from './fault.ts';

/** An error as plain data: structured clone would drop codes, remedies and names. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Node's, such as ECONNREFUSED, or a Fault's. */
  readonly code?: string;
  readonly fault?: {
    readonly code: `ERR_${string}`;
    readonly remedy: Remedy;
    readonly retryAfterMs?: number;
  };
  readonly cause?: PlainError;
}

/** Of a chain of causes, so that a ring of them ends. */
const causesMax = 8;

export const toPlainError = (error: unknown, causesLeft = causesMax): PlainError => {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack, cause } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    name,
    message,
    ...(stack !== undefined && { stack }),
    ...(code !== undefined && { code }),
    ...(error instanceof Fault && {
      fault: {
        code: error.code,
        remedy: error.remedy,
        ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
      },
    }),
    ...(cause !== undefined && causesLeft > 0 && { cause: toPlainError(cause, causesLeft - 1) }),
  };
};

/** A Fault where it was one; otherwise an Error with the same name, text, code and stack. */
export const fromPlainError = (plain: PlainError): Error => {
  const cause = plain.cause && fromPlainError(plain.cause);
  const error = plain.fault
    ? new Fault(plain.fault.code, plain.message, { ...plain.fault, cause })
    : Object.assign(new Error(plain.message, cause && { cause }), {
        ...(plain.name !== 'Error' && { name: plain.name }),
        ...(plain.code !== undefined && { code: plain.code }),
      });
  if (plain.stack !== undefined) error.stack = plain.stack;
  return error;
};
