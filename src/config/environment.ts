import { type Path, z } from '../lib/document.ts';
import { nearest } from '../lib/nearest.ts';
import type { Environment } from './substitute.ts';
import { isMapping, withoutEmpty } from './without-empty.ts';

/** Variables with our prefix that are no configuration keys: they belong to the command line. */
const otherVariables: readonly string[] = [
  'TOCSIN_CONFIG',
  'TOCSIN_URL',
  'TOCSIN_BY',
  'TOCSIN_KEY',
  'TOCSIN_KEY_FILE',
];

/**
 * Kubernetes tells every container of a namespace about a service named `tocsin` or `tocsin-…` in
 * variables such as TOCSIN_SERVICE_HOST, TOCSIN_PORT_4318_TCP and TOCSIN_PORT=tcp://….
 */
const isServiceLink = (variable: string, text: string): boolean =>
  /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:ADDR|PORT|PROTO))?$/.test(
    variable,
  ) ||
  (variable.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(text));

export interface Override {
  readonly variable: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

export interface UnknownVariable {
  readonly variable: string;
  readonly message: string;
}

export interface Overrides {
  readonly known: readonly Override[];
  readonly unknown: readonly UnknownVariable[];
}

/** Every `TOCSIN_…` variable as the key it stands for; lists are separated by commas. */
export const readOverrides = (schema: z.ZodObject, environment: Environment): Overrides => {
  const leaves = new Map(leavesOf(schema, []).map((it) => [variableOf(it.path), it]));
  const known: Override[] = [];
  const unknown: UnknownVariable[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith('TOCSIN_') || text === undefined) continue;
    if (otherVariables.includes(variable) || isServiceLink(variable, text)) continue;
    const leaf = leaves.get(variable);
    if (leaf) known.push({ variable, path: leaf.path, value: valueFor(leaf.schema, text) });
    else unknown.push({ variable, message: unknownMessage(variable, [...leaves.keys()]) });
  }
  return { known, unknown };
};

/** The document with the overrides in it and without keys that were left empty. */
export const overlay = (document: unknown, overrides: readonly Override[]): unknown =>
  overrides.reduce((held, it) => withValue(held, it.path, it.value), withoutEmpty(document));

/** The variable that set the value at this path or a value around it. */
export const overrideAt = (overrides: readonly Override[], path: Path): Override | undefined =>
  overrides.find((it) => it.path.every((part, index) => part === path[index]));

interface Leaf {
  readonly path: readonly string[];
  readonly schema: z.core.$ZodType;
}

const variableOf = (path: readonly string[]): string => `TOCSIN_${path.join('_').toUpperCase()}`;

const leavesOf = (schema: z.core.$ZodType, path: readonly string[]): readonly Leaf[] => {
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).flatMap(([key, it]) => leavesOf(it, [...path, key]));
  }
  const inner = unwrapped(schema);
  return inner instanceof z.ZodObject ? leavesOf(inner, path) : [{ path, schema }];
};

const unwrapped = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodOptional ||
  schema instanceof z.ZodDefault ||
  schema instanceof z.ZodPrefault
    ? unwrapped(schema.unwrap())
    : schema;

/** The environment holds only text; what the key wants decides how it is read. */
const valueFor = (schema: z.core.$ZodType, text: string): unknown => {
  if (unwrapped(schema) instanceof z.ZodArray) {
    return text
      .split(',')
      .map((it) => it.trim())
      .filter((it) => it !== '');
  }
  const candidates = [text, text === 'true' ? true : text === 'false' ? false : Number(text)];
  return candidates.find((it) => z.core.safeParse(schema, it).success) ?? text;
};

const unknownMessage = (variable: string, known: readonly string[]): string => {
  const close = nearest(variable, known);
  return `no configuration key has this name${close === undefined ? '' : `; did you mean ${close}?`}`;
};

const withValue = (held: unknown, path: readonly string[], value: unknown): unknown => {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  // A section of the wrong type stays, so that the schema reports it at its line.
  if (held !== undefined && !isMapping(held)) return held;
  return { ...held, [head]: withValue(held?.[head], rest, value) };
};
