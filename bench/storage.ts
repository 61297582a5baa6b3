import { parseArgs } from 'node:util';
import { askHistory } from './storage/ask-history.ts';
import { timeDashboards } from './storage/dashboards.ts';
import { compareSchemas } from './storage/schema.ts';
import { compareSketches } from './storage/sketches.ts';

type Comparison = (quick: boolean, print: (line: string) => void) => Promise<void>;

const comparisons: Readonly<Record<string, Comparison>> = {
  schema: compareSchemas,
  history: askHistory,
  dashboards: timeDashboards,
  sketches: compareSketches,
};

/** `storage [schema] [history] [dashboards] [sketches] [--quick]`: what the tables cost, and the choices that were made by measuring. */
export const storageCommand = async (args: readonly string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { quick: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(comparisons, name));
  if (unknown.length > 0) {
    console.error(
      `unknown: ${unknown.join(', ')}; there are ${Object.keys(comparisons).join(', ')}`,
    );
    return 2;
  }
  for (const [name, compare] of Object.entries(comparisons)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    console.log(`# storage ${name}`);
    await compare(values.quick, console.log);
  }
  return 0;
};
