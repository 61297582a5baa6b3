import type { Path, Problem, ProblemAt, z } from '../lib/document.ts';
import type { Secret } from '../lib/secret.ts';
import type { RedactAction, RedactRule } from '../model/redaction.ts';
import type { SampleRule } from '../model/sampling.ts';
import type { redactRules, sampleRules } from './ingest-rules-schema.ts';
import type { SecretReader } from './secrets.ts';

type RedactDocument = z.output<typeof redactRules>[number];
type SampleDocument = z.output<typeof sampleRules>[number];

/** A shorter salt could be found by trying. */
const saltCharsMin = 16;

/** As long as nearly all traces take. */
const waitMsByDefault = 10_000;

interface RedactReading {
  readonly rules: readonly RedactRule<Secret>[];
  readonly problems: readonly Problem[];
}

export const redactRulesOf = (
  documents: readonly RedactDocument[],
  secrets: SecretReader,
  problemAt: ProblemAt,
): RedactReading => {
  const problems: Problem[] = [];
  const rules = documents.flatMap((document, index): readonly RedactRule<Secret>[] => {
    const path = ['ingest', 'redact', index];
    const action = actionOf(document, secrets, path, (at, message) => {
      problems.push(problemAt(at, message));
    });
    const match = matchOf(document);
    const name = document.name ?? `redact[${index}]`;
    return action && match ? [{ name, match, in: document.in, action }] : [];
  });
  return { rules, problems };
};

const matchOf = ({ match }: RedactDocument): RedactRule['match'] | undefined => {
  if (match.key !== undefined) return { kind: 'key', globs: match.key };
  return match.value === undefined ? undefined : { kind: 'value', pattern: match.value };
};

const actionOf = (
  document: RedactDocument,
  secrets: SecretReader,
  path: Path,
  refuse: (path: Path, message: string) => void,
): RedactAction<Secret> | undefined => {
  if (document.action === 'drop') return { kind: 'drop' };
  if (document.action === 'mask') return { kind: 'mask', keepChars: document.keep ?? 0 };
  const salt = secrets.read(document, 'salt', path);
  if (salt === undefined) {
    const given = document.salt !== undefined || document.salt_file !== undefined;
    // What is given and cannot be had is a problem of the reader's.
    if (!given) {
      refuse(
        path,
        'hash needs a secret, the same wherever values are compared: give salt_file, or salt: ${NAME}',
      );
    }
    return undefined;
  }
  if (salt.reveal().length < saltCharsMin) {
    refuse(
      [...path, 'salt'],
      `expected at least ${saltCharsMin} characters, such as from openssl rand -hex 32`,
    );
    return undefined;
  }
  return { kind: 'hash', salt };
};

export const sampleRulesOf = (documents: readonly SampleDocument[]): readonly SampleRule[] =>
  documents.map(({ name, where, keep, always, mode, wait = waitMsByDefault }, index) => ({
    name: name ?? `sample[${index}]`,
    where: Object.entries(where).map(([key, globs]) => ({
      key,
      // The only values whose case people write as they like.
      globs: key === 'kind' ? globs.map((glob) => glob.toLowerCase()) : globs,
    })),
    keep,
    keepErrors: always.errors,
    ...(always.slower_than !== undefined && { keepSlowerThanMs: always.slower_than }),
    ...(mode === 'tail' && { tail: { waitMs: wait } }),
  }));
