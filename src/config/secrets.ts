import { dirname, isAbsolute, join } from 'node:path';
import type { Path, Problem, ProblemAt } from '../lib/document.ts';
import { messageOf } from '../lib/fault.ts';
import { Secret } from '../lib/secret.ts';

/** Returns the file's text; throws when it cannot be read. */
export type ReadFile = (path: string) => string;

export interface SecretReader {
  /**
   * The secret `key` of the mapping at `path`, from `key` itself or the file that `key_file` names;
   * undefined when neither is given or when it cannot be had, which is a problem.
   */
  readonly read: (section: object, key: string, path: Path) => Secret | undefined;
  readonly problems: () => readonly Problem[];
}

/** Reads every `x` or `x_file` of one document. No message holds a secret. */
export const createSecretReader = (
  file: string,
  problemAt: ProblemAt,
  readFile: ReadFile,
): SecretReader => {
  const problems: Problem[] = [];
  const refuse = (path: Path, message: string): undefined => {
    problems.push(problemAt(path, message));
  };

  const fromFile = (source: string, path: Path): Secret | undefined => {
    try {
      const text = readFile(besideFile(file, source)).replace(/\r?\n$/, '');
      return text === '' ? refuse(path, 'this file is empty') : new Secret(text);
    } catch (error) {
      return refuse(path, `this file cannot be read: ${messageOf(error)}`);
    }
  };

  const readOnce = (section: object, key: string, path: Path): Secret | undefined => {
    const members = new Map(Object.entries(section));
    const value: unknown = members.get(key);
    const source: unknown = members.get(`${key}_file`);
    if (value !== undefined && source !== undefined) {
      return refuse([...path, `${key}_file`], `give either ${key} or ${key}_file, not both`);
    }
    if (typeof source === 'string') return fromFile(source, [...path, `${key}_file`]);
    if (typeof value !== 'string') return undefined;
    return value === '' ? refuse([...path, key], 'must not be empty') : new Secret(value);
  };

  /** What many parts share is read once, and its problem is said once. */
  const known = new Map<string, Secret | undefined>();
  return {
    read: (section, key, path) => {
      const place = [...path, key].join('\n');
      if (!known.has(place)) known.set(place, readOnce(section, key, path));
      return known.get(place);
    },
    problems: () => problems,
  };
};

/** Paths in a file are meant from where the file is. */
export const besideFile = (file: string, path: string): string =>
  isAbsolute(path) ? path : join(dirname(file), path);
