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

const runBenches = async (): Promise<number> => {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0) {
    const known = [...Object.keys(benches), ...Object.keys(commands)];
    console.error(`unknown: ${unknown.join(', ')}; there are ${known.join(', ')}`);
    return 2;
  }
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`# ${name}`);
    for (const line of await bench.run(values.quick)) console.log(line);
  }
  return 0;
};

const [name = '', ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
process.exitCode = command ? await command(args) : await runBenches();
