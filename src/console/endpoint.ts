import { z } from '../lib/document.ts';
import { Fault } from '../lib/fault.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

export interface RawRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** One operation of the API: what validates is also what describes it. */
export interface Endpoint {
  readonly method: Method;
  /** As OpenAPI writes it: `/api/v1/silences/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  readonly answer: z.ZodType;
  /** Statuses other than 200 that this operation itself gives, with their reasons. */
  readonly refusals: Readonly<Record<number, string>>;
  /** Rejects with a Fault ERR_REQUEST_INVALID that names every mistake, or with what the work gives. */
  readonly run: (request: RawRequest) => Promise<unknown>;
}

interface Definition<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodObject,
  A extends z.ZodType,
> {
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answer: A;
  readonly refusals?: Readonly<Record<number, string>>;
  readonly handle: (input: {
    readonly params: z.output<P>;
    readonly query: z.output<Q>;
    readonly body: z.output<B>;
  }) => Promise<z.input<A>>;
}

const nothing = z.looseObject({});

/** Ties the handler's types to the schemas that check its input and describe its answer. */
export const endpoint = <
  P extends z.ZodObject = typeof nothing,
  Q extends z.ZodObject = typeof nothing,
  B extends z.ZodObject = typeof nothing,
  A extends z.ZodType = z.ZodType,
>(
  definition: Definition<P, Q, B, A>,
): Endpoint => {
  const { handle, refusals = {}, ...described } = definition;
  const input = z.object({
    params: described.params ?? nothing,
    query: described.query ?? nothing,
    body: described.body ?? nothing,
  });
  return {
    ...described,
    refusals,
    run: (request) => {
      const read = input.safeParse({
        params: request.params ?? {},
        query: request.query ?? {},
        body: request.body ?? {},
      });
      if (!read.success) throw new InvalidRequest(read.error.issues);
      return handle(read.data as Parameters<typeof handle>[0]);
    },
  };
};

/** One mistake in a request. */
export interface Detail {
  /** `matchers[0]`, or empty for the whole. */
  readonly at: string;
  readonly message: string;
}

export class InvalidRequest extends Fault {
  readonly details: readonly Detail[];

  constructor(issues: readonly z.core.$ZodIssue[]) {
    const details = issues.map((it) => ({ at: placeOf(it.path), message: it.message }));
    const first = details[0];
    const where = first?.at ? `${first.at}: ` : '';
    super('ERR_REQUEST_INVALID', `${where}${first?.message ?? 'invalid'}`, { remedy: 'reject' });
    this.details = details;
  }
}

/** Without `body` or `query` in front: the sender knows where it put the value. */
const placeOf = ([, ...path]: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : `${text}${text && '.'}${String(part)}`,
    '',
  );
