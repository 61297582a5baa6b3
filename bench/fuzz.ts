import { parseArgs } from 'node:util';
import { runFuzz } from './fuzz/run.ts';
import { machineLine } from './measure.ts';

/** `npm run bench -- fuzz --requests 1000000 --seed 1`; resolves with 1 when something was found. */
export const fuzzCommand = async (args: readonly string[]): Promise<number> => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      requests: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      sockets: { type: 'string', default: '0.2' },
    },
  });
  const report = await runFuzz({
    requests: Number(values.requests),
    seed: Number(values.seed),
    socketShare: Number(values.sockets),
  });
  const { problems, ...figures } = report;
  console.log(machineLine());
  console.log(JSON.stringify(figures, undefined, 1));
  for (const it of problems) console.log(`PROBLEM: ${it}`);
  return problems.length === 0 ? 0 : 1;
};
