import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { loadRules, type RuleDefaults } from '../evaluate/rules/load.ts';
import { storedOf } from '../files.ts';
import { jsonOption } from './daemon.ts';
import { act, family, type Io, readArgument } from './io.ts';
import { counted, report } from './problems.ts';

const read = (path: string): string => readFileSync(path, 'utf8');

/** What `rules` and `retention` in tocsin.yaml say when they say nothing: a check needs no configuration. */
const usualDefaults = (): RuleDefaults => {
  const reading = loadConfig({ environment: {}, mode: 'up', readFile: read });
  return {
    intervalMs: 30_000,
    queryOffsetMs: 0,
    ...(reading.ok && { stored: storedOf(reading.config) }),
  };
};

/** `tocsin rules check F…`: reads rule files and compiles every query, without a daemon. */
export const registerRulesCheck = (program: Command, io: Io): void => {
  family(program, 'rules', 'check rules before they run')
    .command('check')
    .description('validate rule files: every problem with file, line and key')
    .argument('<file...>', 'rule files')
    .addOption(jsonOption())
    .action((files: string[], { json = false }: { readonly json?: boolean }) =>
      act(io, async () => {
        const texts = files.map((file) => ({ file, text: readArgument(file, read) }));
        const { groups, problems } = loadRules(texts, usualDefaults());
        const rules = groups.reduce((sum, it) => sum + it.rules.length, 0);
        return report(
          io,
          {
            problems: problems.filter((it) => it.severity === 'error'),
            warnings: problems.filter((it) => it.severity === 'warning'),
            good: `${counted(rules, 'rule')} in ${counted(groups.length, 'group')} of ${counted(files.length, 'file')}: good`,
          },
          json,
        );
      }),
    );
};
