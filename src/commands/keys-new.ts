import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import { accessKeys } from '../config/access-schema.ts';
import { formatProblem, readDocument } from '../lib/document.ts';
import { parseDurationMs } from '../lib/duration.ts';
import { keyHash } from '../lib/key-hash.ts';
import { scopes } from '../model/access.ts';
import { jsonOption } from './daemon.ts';
import { act, family, type Io, say, sayJson, usageFault } from './io.ts';

const keyBytes = 32;

interface Options {
  readonly expires?: string;
  readonly scope: readonly string[];
  readonly json?: boolean;
}

/** `tocsin keys new NAME`: a key for whoever is to use it, and the line that lets it in. */
export const registerKeysNew = (program: Command, io: Io): void => {
  family(program, 'keys', 'keys for senders and for the API')
    .command('new')
    .description('make a key; it is shown once, and the configuration gets only its hash')
    .argument('<name>', 'who will use it, as logs and metrics will say')
    .option('--expires <when>', 'a duration such as 90d, a day or a time; never unless given')
    .addOption(
      new Option('--scope <scope...>', 'what it opens').choices(scopes).default(['ingest']),
    )
    .addOption(jsonOption())
    .action((name: string, { expires, scope, json }: Options) =>
      act(io, async () => {
        const key = `tk_${randomBytes(keyBytes).toString('base64url')}`;
        const until = expires === undefined ? undefined : untilOf(expires, io.clock.nowMs());
        const line = lineOf(name, keyHash(key), until, scope);
        const checked = readDocument('key', line, accessKeys);
        if (!checked.ok) throw usageFault(checked.problems.map(formatProblem).join('\n'));
        if (json) sayJson(io, { key, entry: line });
        else {
          say(io, key);
          say(io, '');
          say(io, '# under auth.keys in tocsin.yaml, or in the file that auth.keys_file names:');
          say(io, line);
        }
        return 0;
      }),
    );
};

/** A duration counts from now, to the second. */
const untilOf = (text: string, nowMs: number): string => {
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined) return text;
  return new Date(nowMs + durationMs).toISOString().replace(/\.\d+Z$/, 'Z');
};

const lineOf = (
  name: string,
  hash: string,
  until: string | undefined,
  scope: readonly string[],
): string => {
  const parts = [
    `name: ${JSON.stringify(name)}`,
    `hash: "sha256:${hash}"`,
    ...(until === undefined ? [] : [`expires: ${JSON.stringify(until)}`]),
    ...(scope.join(',') === 'ingest' ? [] : [`scopes: [${scope.join(', ')}]`]),
  ];
  return `- {${parts.join(', ')}}`;
};
