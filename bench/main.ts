import { parseArgs } from 'node:util';
import { decodeBench } from './decode.ts';
import { fuzzCommand } from './fuzz.ts';
import { ingestBench } from './ingest.ts';
import { loadCommand, verifyCommand } from './load/command.ts';
import type { Bench } from './measure.ts';
import { rulesBench } from './rules.ts';
import { soakCommand } from './soak.ts';
import { storageCommand } from './storage.ts';

const benches: Readonly<Record<string, Bench>> = {
  decode: decodeBench,
  rules: rulesBench,
  ingest: ingestBench,
};

/** With arguments of their own; they resolve with the exit code. */
const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  fuzz: fuzzCommand,
  load: loadCommand,
  soak: soakCommand,
  storage: storageCommand,
  verify: verifyCommand,
};

const usage = `npm run bench -- [--quick] [${Object.keys(benches).join(' | ')}]...
npm run bench -- ${Object.keys(commands).join(' | ')} [options, see bench/]`;

const runBenches = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const unknown = positionals.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0) {
    console.error(`unknown: ${unknown.join(', ')}\n${usage}`);
    return 2;
  }
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`# ${name}`);
    for (const line of await bench.run(values.quick)) console.log(line);
  }
  return 0;
};

/** A mistyped option is told in a line; anything else is a bug and keeps its stack. */
const explained = (error: unknown): number => {
  const code = error instanceof TypeError && 'code' in error ? error.code : undefined;
  if (!(error instanceof Error && typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS'))) {
    throw error;
  }
  console.error(`${error.message}\n${usage}`);
  return 2;
};

const [name = '', ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
process.exitCode = await (command ? command(args) : runBenches()).catch(explained);
