import { nearest } from '../../lib/nearest.ts';
import type { Binder } from './binder.ts';

/** How a table answers for attributes: some have columns, the rest lie in maps. */
export interface AttributeTable {
  readonly columns: Readonly<Record<string, string>>;
  /** Looked through in order; the first that has the key answers. */
  readonly maps: readonly string[];
}

const resource = { 'service.name': 'ServiceName' } as const;

export const spanAttributes: AttributeTable = {
  columns: {
    ...resource,
    name: 'SpanName',
    kind: 'lower(SpanKind)',
    status: 'lower(StatusCode)',
    'status.message': 'StatusMessage',
    'scope.name': 'ScopeName',
    'scope.version': 'ScopeVersion',
  },
  maps: ['SpanAttributes', 'ResourceAttributes'],
};

export const metricAttributes: AttributeTable = {
  columns: { ...resource, 'scope.name': 'ScopeName', 'scope.version': 'ScopeVersion' },
  maps: ['Attributes', 'ResourceAttributes'],
};

export const logAttributes: AttributeTable = {
  columns: {
    ...resource,
    body: 'Body',
    severity: 'lower(SeverityText)',
    'severity.number': 'toString(SeverityNumber)',
    'scope.name': 'ScopeName',
  },
  maps: ['LogAttributes', 'ResourceAttributes'],
};

/** SQL for an attribute as text; empty where it is missing. */
export const attributeSql = (table: AttributeTable, name: string, binder: Binder): string => {
  const column = Object.hasOwn(table.columns, name) ? table.columns[name] : undefined;
  if (column !== undefined) return column;
  const key = binder.text(name);
  const [last = `''`, ...earlier] = table.maps.map((it) => `${it}[${key}]`).toReversed();
  return earlier.reduce(
    (otherwise, value) =>
      `if(mapContains(${value.slice(0, value.indexOf('['))}, ${key}), ${value}, ${otherwise})`,
    last,
  );
};

const spanKinds = ['server', 'client', 'internal', 'producer', 'consumer', 'unspecified'];
const statuses = ['ok', 'error', 'unset'];

/** What may stand for `kind` and `status` of spans; undefined for a free text. */
export const misspelled = (attribute: string, text: string): string | undefined => {
  const known = attribute === 'kind' ? spanKinds : attribute === 'status' ? statuses : [];
  if (known.length === 0 || known.includes(text.toLowerCase())) return undefined;
  const close = nearest(text.toLowerCase(), known);
  return `unknown ${attribute} ${text}; ${close ? `did you mean ${close}?` : `there are ${known.join(', ')}`}`;
};
