import { isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { nearest } from './nearest.ts';

export { z };

/** One mistake in a file that a person wrote. */
export interface Problem {
  readonly file: string;
  /** Counted from 1; 0 when the value does not come from a file, such as an environment variable. */
  readonly line: number;
  readonly column: number;
  /** Where in the document: `groups[0].rules[2].when`; empty for the whole. */
  readonly key: string;
  /** What is wrong and what was expected, without the place. */
  readonly message: string;
}

export type Path = readonly (string | number)[];

export type Reading<T> =
  | { readonly ok: true; readonly value: T; readonly problemAt: ProblemAt }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Makes a problem for checks that a schema cannot express, at the line of the value or its parent. */
export type ProblemAt = (path: Path, message: string) => Problem;

export interface ReadOptions {
  /** Applied to every plain or quoted scalar's text before it is typed, for `${NAME}` and the like. */
  readonly substitute?: (text: string) => string;
}

/** Reads one YAML document against a schema and reports every problem at once, with its place. */
export const readDocument = <S extends z.ZodType>(
  file: string,
  text: string,
  schema: S,
  options: ReadOptions = {},
): Reading<z.output<S>> => {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const problemOf = (offset: number, path: Path, message: string): Problem => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), key: keyOf(path), message };
  };
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.map((it) =>
        problemOf(it.pos[0], [], `not valid YAML: ${it.message}`),
      ),
    };
  }

  const problems: Problem[] = [];
  const { substitute } = options;
  if (substitute) {
    visit(document, {
      Scalar: (key, node) => {
        if (key === 'key' || typeof node.value !== 'string') return;
        try {
          const replaced = substitute(node.value);
          if (replaced !== node.value) node.value = retyped(node.type, replaced);
        } catch (error) {
          const offset = node.range?.[0] ?? 0;
          problems.push(
            problemOf(offset, [], error instanceof Error ? error.message : String(error)),
          );
        }
      },
    });
  }

  const problemAt: ProblemAt = (path, message) => {
    for (let length = path.length; length >= 0; length -= 1) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      const range = rangeOf(node);
      if (range !== undefined) return problemOf(range, path, message);
    }
    return problemOf(0, path, message);
  };

  const parsed = schema.safeParse(document.toJS() ?? {});
  if (!parsed.success) problems.push(...problemsOf(parsed.error.issues, schema, problemAt));
  if (problems.length > 0 || !parsed.success) return { ok: false, problems };
  return { ok: true, value: parsed.data, problemAt };
};

/** `rules/a.yaml:12:7 groups[0].rules[1].when: …`, as editors and CI understand it. */
export const formatProblem = (problem: Problem): string => {
  const key = problem.key === '' ? '' : ` ${problem.key}:`;
  const place = problem.line === 0 ? '' : `${problem.line}:${problem.column}`;
  return `${problem.file}:${place}${key} ${problem.message}`;
};

const keyOf = (path: Path): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`,
    '',
  );

const rangeOf = (node: unknown): number | undefined => {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  const { range } = node;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
};

/** A plain scalar takes the type its new text has; a quoted one stays text. */
const retyped = (type: string | undefined, text: string): unknown => {
  if (type !== 'PLAIN') return text;
  const { contents } = parseDocument(text);
  return isScalar(contents) ? contents.value : text;
};

const problemsOf = (
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  problemAt: ProblemAt,
): readonly Problem[] =>
  issues.flatMap((issue) => {
    const path = issue.path.map((it) => (typeof it === 'symbol' ? String(it) : it));
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path);
      return issue.keys.map((key) => {
        const close = nearest(key, known);
        const hint = close === undefined ? '' : `; did you mean ${close}?`;
        return problemAt([...path, key], `unknown key${hint}`);
      });
    }
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const best = issue.errors.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
      if (best && depth(best) > 0) {
        const nested = best.map((it) => ({ ...it, path: [...issue.path, ...it.path] }));
        return problemsOf(nested, schema, problemAt);
      }
    }
    return [problemAt(path, issue.message)];
  });

/** The alternative that understood most of the value is the one the writer meant. */
const depth = (issues: readonly z.core.$ZodIssue[]): number =>
  Math.max(0, ...issues.map((it) => it.path.length));

/** Keys that the object schema at `path` knows, looking through wrappers and unions. */
const keysAt = (schema: unknown, path: Path): readonly string[] => {
  const [head, ...rest] = path;
  return unwrap(schema).flatMap((it) => {
    if (it instanceof z.ZodObject) {
      if (head === undefined) return Object.keys(it.shape);
      return keysAt(it.shape[head], rest);
    }
    if (it instanceof z.ZodArray && head !== undefined) return keysAt(it.element, rest);
    if (it instanceof z.ZodRecord && head !== undefined) return keysAt(it.valueType, rest);
    return [];
  });
};

const unwrap = (schema: unknown): readonly unknown[] => {
  if (schema instanceof z.ZodPipe) return [...unwrap(schema.in), ...unwrap(schema.out)];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrap);
  if (schema instanceof z.ZodLazy) return unwrap(schema.unwrap());
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  ) {
    return unwrap(schema.unwrap());
  }
  return schema === undefined ? [] : [schema];
};
