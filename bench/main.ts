import { parseArgs } from 'node:util';
import { decodeBench } from './decode.ts';
import type { Bench } from './measure.ts';

const benches: Readonly<Record<string, Bench>> = {
  decode: decodeBench,
};

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});

const unknown = positionals.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
  process.exitCode = 2;
} else {
  for (const [name, bench] of Object.entries(benches)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`# ${name}`);
    for (const line of await bench.run(values.quick)) console.log(line);
  }
}
