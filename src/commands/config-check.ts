import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { Config, Mode } from '../config/config.ts';
import { type ConfigReading, loadConfig } from '../config/load.ts';
import { readFiles } from '../files.ts';
import { jsonOption } from './daemon.ts';
import { act, family, type Io, readArgument } from './io.ts';
import { report } from './problems.ts';

const read = (path: string): string => readFileSync(path, 'utf8');

interface Options {
  readonly json?: boolean;
  readonly for?: Mode;
}

/** `tocsin config check F`: the configuration, and the rules and alerting it names. */
export const registerConfigCheck = (program: Command, io: Io): void => {
  family(program, 'config', 'check the configuration')
    .command('check')
    .description('validate tocsin.yaml and the files it names, without starting anything')
    .argument('<file>', 'tocsin.yaml')
    .addOption(
      new Option('--for <command>', 'what will run with it; found out unless given').choices([
        'up',
        'serve',
      ]),
    )
    .addOption(jsonOption())
    .action((path: string, options: Options) =>
      act(io, async () => {
        const text = readArgument(path, read);
        const { environment } = io;
        const load = (mode: Mode): ConfigReading =>
          loadConfig({ file: { path, text }, environment, mode, readFile: read });
        const reading = options.for ? load(options.for) : loadAsMeant(load);
        const found = reading.ok
          ? readFiles({
              config: reading.config,
              environment,
              externalUrl: 'http://127.0.0.1:9900',
              extraRuleFiles: [],
            })
          : reading;
        return report(
          io,
          {
            problems: found.ok ? [] : found.problems,
            warnings: found.ok && 'files' in found ? found.files.warnings : [],
            good: `${path}: good for tocsin ${reading.ok ? reading.config.mode : ''}`,
          },
          options.json ?? false,
        );
      }),
    );
};

/** A file that names both servers is for `serve`, whose defaults are stricter to listen with. */
const loadAsMeant = (load: (mode: Mode) => ConfigReading): ConfigReading => {
  const asUp = load('up');
  return asUp.ok && !namesServers(asUp.config) ? asUp : preferred(asUp, load('serve'));
};

const namesServers = ({ clickhouse, redis }: Config): boolean =>
  clickhouse.kind === 'server' && redis.kind === 'server';

/** When neither reading is good, the one that finds less to complain about is what was meant. */
const preferred = (asUp: ConfigReading, asServe: ConfigReading): ConfigReading => {
  if (asUp.ok || asServe.ok) return asServe;
  return asServe.problems.length <= asUp.problems.length ? asServe : asUp;
};
