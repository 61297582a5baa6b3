import { Fault, type Remedy } from '../lib/fault.ts';

/** What was asked of ClickHouse. */
export type Operation = 'query' | 'insert' | 'command';

/** An exception of the server, or a failure on the way to it when `type` is missing. */
export interface StoreError {
  /** ClickHouse's name of the error, such as `UNKNOWN_TABLE`. */
  readonly type: string | undefined;
  readonly message: string;
  readonly cause: unknown;
}

const messageCharsMax = 1_000;

/**
 * Errors that stay the same however often the same text is sent. Everything else (limits, timeouts,
 * Keeper, disks, shutdown, whatever a later version invents) may pass, and a retry does no harm:
 * inserts carry a token and attempts are bounded.
 */
const permanent: ReadonlySet<string> = new Set([
  'ACCESS_DENIED',
  'ALIAS_REQUIRED',
  'AMBIGUOUS_COLUMN_NAME',
  'AMBIGUOUS_IDENTIFIER',
  'ARGUMENT_OUT_OF_BOUND',
  'AUTHENTICATION_FAILED',
  'BAD_ARGUMENTS',
  'BAD_QUERY_PARAMETER',
  'CANNOT_CONVERT_TYPE',
  'CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN',
  'CANNOT_PARSE_DATETIME',
  'CANNOT_PARSE_ESCAPE_SEQUENCE',
  'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
  'CANNOT_PARSE_NUMBER',
  'CANNOT_PARSE_QUOTED_STRING',
  'CANNOT_PARSE_TEXT',
  'CANNOT_PARSE_UUID',
  'CANNOT_READ_ALL_DATA',
  'CYCLIC_ALIASES',
  'DATABASE_ACCESS_DENIED',
  'DECIMAL_OVERFLOW',
  'DUPLICATE_COLUMN',
  'FUNCTION_NOT_ALLOWED',
  'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO',
  'ILLEGAL_AGGREGATION',
  'ILLEGAL_COLUMN',
  'ILLEGAL_DIVISION',
  'ILLEGAL_TYPE_OF_ARGUMENT',
  'INCOMPATIBLE_COLUMNS',
  'INCORRECT_DATA',
  'INCORRECT_NUMBER_OF_COLUMNS',
  'INCORRECT_QUERY',
  'INVALID_JOIN_ON_EXPRESSION',
  'MULTIPLE_EXPRESSIONS_FOR_ALIAS',
  'NOT_AN_AGGREGATE',
  'NOT_FOUND_COLUMN_IN_BLOCK',
  'NOT_IMPLEMENTED',
  'NO_COMMON_TYPE',
  'NO_SUCH_COLUMN_IN_TABLE',
  'NUMBER_OF_ARGUMENTS_DOESNT_MATCH',
  'PARAMETER_OUT_OF_BOUND',
  'READONLY',
  'REQUIRED_PASSWORD',
  'SETTING_CONSTRAINT_VIOLATION',
  'SIZES_OF_ARRAYS_DONT_MATCH',
  'SUPPORT_IS_DISABLED',
  'SYNTAX_ERROR',
  'THERE_IS_NO_COLUMN',
  'TOO_DEEP_RECURSION',
  'TOO_LARGE_ARRAY_SIZE',
  'TOO_LARGE_STRING_SIZE',
  'TYPE_MISMATCH',
  'UNEXPECTED_END_OF_FILE',
  'UNKNOWN_AGGREGATE_FUNCTION',
  'UNKNOWN_DATABASE',
  'UNKNOWN_FORMAT',
  'UNKNOWN_FUNCTION',
  'UNKNOWN_IDENTIFIER',
  'UNKNOWN_QUERY_PARAMETER',
  'UNKNOWN_SETTING',
  'UNKNOWN_TABLE',
  'UNKNOWN_TYPE',
  'UNKNOWN_USER',
  'UNSUPPORTED_METHOD',
  'WRONG_PASSWORD',
]);

/**
 * ERR_QUERY_REFUSED, ERR_INSERT_REFUSED, ERR_COMMAND_REFUSED (`reject`) when sending the same again
 * cannot help; ERR_QUERY_FAILED, ERR_INSERT_FAILED, ERR_COMMAND_FAILED (`retry`) otherwise.
 */
export const storeFault = (operation: Operation, error: StoreError): Fault => {
  const remedy: Remedy = error.type !== undefined && permanent.has(error.type) ? 'reject' : 'retry';
  const code = codes[operation][remedy];
  const name = error.type === undefined ? '' : `${error.type}: `;
  const text = error.message.trim().slice(0, messageCharsMax);
  return new Fault(code, `${name}${text}`, { remedy, cause: error.cause });
};

const codes = {
  query: { reject: 'ERR_QUERY_REFUSED', retry: 'ERR_QUERY_FAILED' },
  insert: { reject: 'ERR_INSERT_REFUSED', retry: 'ERR_INSERT_FAILED' },
  command: { reject: 'ERR_COMMAND_REFUSED', retry: 'ERR_COMMAND_FAILED' },
} as const;
