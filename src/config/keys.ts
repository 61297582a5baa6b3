import { type Path, type Problem, type ProblemAt, readDocument } from '../lib/document.ts';
import { messageOf } from '../lib/fault.ts';
import { keyHash } from '../lib/key-hash.ts';
import type { AccessKey } from '../model/access.ts';
import { type AccessKeyDocument, accessKeys } from './access-schema.ts';
import { defined } from './defined.ts';
import { createSecretReader, type ReadFile } from './secrets.ts';
import type { RememberingSubstitute } from './substitute.ts';

/** A list of keys and where it is written. */
interface Listed {
  readonly file: string;
  readonly entries: readonly AccessKeyDocument[];
  readonly problemAt: ProblemAt;
  readonly path: Path;
}

export interface KeysSource {
  readonly auth: { readonly keys: readonly AccessKeyDocument[] };
  /** The configuration's own path, and that of the file with further keys. */
  readonly file: string;
  readonly keysFile: string | undefined;
  readonly problemAt: ProblemAt;
  readonly readFile: ReadFile;
  readonly substitute: RememberingSubstitute;
}

/** Random keys are longer; whoever makes up a short one makes it easy to find. */
const keyCharactersMin = 20;

/** The keys of `auth.keys` and `auth.keys_file`, as hashes. */
export const keysOf = (
  source: KeysSource,
): { readonly keys: readonly AccessKey[]; readonly problems: readonly Problem[] } => {
  const { auth, file, problemAt, readFile, substitute } = source;
  const problems: Problem[] = [];
  const inline: Listed = { file, entries: auth.keys, problemAt, path: ['auth', 'keys'] };
  const beside = readKeysFile(source, problems);
  const keys = [inline, ...(beside ? [beside] : [])].flatMap((listed) => {
    const secrets = createSecretReader(listed.file, listed.problemAt, readFile);
    const read = listed.entries.flatMap((entry, index) => {
      const path = [...listed.path, index];
      const hash = hashOf(entry, path, listed, secrets.read, substitute, problems);
      if (hash === undefined) return [];
      const { name } = entry;
      return [{ key: keyOf(entry, hash), refuse: refuseAt(listed, path, name, problems) }];
    });
    problems.push(...secrets.problems());
    return read;
  });
  for (const [index, { key, refuse }] of keys.entries()) {
    const earlier = keys.slice(0, index).map((it) => it.key);
    if (earlier.some((it) => it.name === key.name)) refuse('is the name of two keys');
    const twin = earlier.find((it) => it.hash === key.hash);
    if (twin) refuse(`is the same key as ${twin.name}`);
  }
  return { keys: keys.map((it) => it.key), problems };
};

const refuseAt =
  ({ problemAt }: Listed, path: Path, name: string, problems: Problem[]) =>
  (what: string): void => {
    problems.push(problemAt([...path, 'name'], `${name} ${what}`));
  };

const readKeysFile = (
  { keysFile, problemAt, readFile, substitute }: KeysSource,
  problems: Problem[],
): Listed | undefined => {
  if (keysFile === undefined) return undefined;
  let text: string;
  try {
    text = readFile(keysFile);
  } catch (error) {
    const message = `this file cannot be read: ${messageOf(error)}`;
    problems.push(problemAt(['auth', 'keys_file'], message));
    return undefined;
  }
  const reading = readDocument(keysFile, text, accessKeys, { substitute: substitute.replace });
  if (!reading.ok) {
    problems.push(...reading.problems);
    return undefined;
  }
  return { file: keysFile, entries: reading.value, problemAt: reading.problemAt, path: [] };
};

/** Exactly one of `hash`, `key` and `key_file`; a plain key never stands in the file itself. */
const hashOf = (
  entry: AccessKeyDocument,
  path: Path,
  { problemAt }: Listed,
  readSecret: ReturnType<typeof createSecretReader>['read'],
  substitute: RememberingSubstitute,
  problems: Problem[],
): string | undefined => {
  const refuse = (key: string, message: string): undefined => {
    problems.push(problemAt([...path, key], message));
  };
  const { hash, key, key_file: keyFile } = entry;
  const given = [hash, key, keyFile].filter((it) => it !== undefined).length;
  if (given !== 1) return refuse('name', 'give one of hash, key and key_file');
  if (hash !== undefined) return hash.slice('sha256:'.length);
  if (key !== undefined && !substitute.gave(key)) {
    return refuse(
      'key',
      'whoever may read this file could use the key: give its hash, key_file or ${NAME}',
    );
  }
  const secret = readSecret(entry, 'key', path)?.reveal();
  if (secret === undefined) return undefined;
  if (secret.length < keyCharactersMin || /\s/.test(secret)) {
    return refuse(
      key === undefined ? 'key_file' : 'key',
      `a key has at least ${keyCharactersMin} characters and no blanks; tocsin keys new makes good ones`,
    );
  }
  return keyHash(secret);
};

const keyOf = (entry: AccessKeyDocument, hash: string): AccessKey => {
  const { limits, expires } = entry;
  return defined({
    name: entry.name,
    hash,
    expiresAtMs: expires === undefined ? undefined : expiresAtMsOf(expires),
    scopes: entry.scopes,
    limits: defined({
      requestsPerSecond: limits.requests_per_second,
      bytesPerSecond: limits.bytes_per_second,
      itemsPerSecond: limits.items_per_second,
    }),
    attributes: Object.fromEntries(
      Object.entries(entry.attributes).map(([name, value]) => [name, String(value)]),
    ),
  });
};

const dayMs = 86_400_000;

/** A day is the last one on which the key opens something, in UTC. */
const expiresAtMsOf = (text: string): number =>
  text.includes('T') ? Date.parse(text) : Date.parse(text) + dayMs;
