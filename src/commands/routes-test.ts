import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { loadAlerting } from '../config/alerting.ts';
import { loadConfig } from '../config/load.ts';
import { type RoutedReceiver, routeLabels } from '../decide/route.ts';
import { formatProblem } from '../lib/document.ts';
import { formatDuration } from '../lib/duration.ts';
import { Fault } from '../lib/fault.ts';
import type { Alerting } from '../model/alerting.ts';
import type { Labels } from '../model/matcher.ts';
import { jsonOption } from './daemon.ts';
import { act, family, type Io, readArgument, say, sayJson, usageFault } from './io.ts';

const read = (path: string): string => readFileSync(path, 'utf8');

interface Options {
  readonly labels: string;
  readonly config?: string;
  readonly alerting?: string;
  readonly escalation?: string;
  readonly json?: boolean;
}

/** `tocsin routes test --labels a=b,c=d`: who would be told, and by which way through the tree. */
export const registerRoutesTest = (program: Command, io: Io): void => {
  family(program, 'routes', 'see where alerts go')
    .command('test')
    .description('show which receivers and escalation an alert with these labels reaches, and why')
    .requiredOption('--labels <labels>', 'such as severity=critical,service_name=checkout')
    .option('--config <file>', 'tocsin.yaml (TOCSIN_CONFIG)')
    .option('--alerting <file>', 'alerting.yaml, instead of the one the configuration names')
    .option('--escalation <policy>', "the rule's escalation policy")
    .addOption(jsonOption())
    .action((options: Options) =>
      act(io, async () => {
        const alerting = alertingOf(io, options);
        const reached = routeLabels(alerting.route, labelsOf(options.labels));
        const answer = {
          receivers: reached.map((it) => receiverView(it, alerting)),
          escalation: escalationOf(alerting, options.escalation),
        };
        if (options.json) sayJson(io, answer);
        else print(io, answer);
        return answer.receivers.some((it) => it.channels.length > 0) ? 0 : 1;
      }),
    );
};

interface ReceiverView {
  readonly receiver: string;
  readonly channels: readonly string[];
  /** The matchers on the way through the tree. */
  readonly because: readonly string[];
}

interface LevelView {
  readonly level: number;
  readonly after: string;
  readonly notify: readonly string[];
}

interface Answer {
  readonly receivers: readonly ReceiverView[];
  readonly escalation: {
    readonly policy: string;
    readonly levels: readonly LevelView[];
    readonly repeat: number;
  } | null;
}

const receiverView = ({ receiver, path }: RoutedReceiver, alerting: Alerting): ReceiverView => ({
  receiver,
  channels:
    alerting.receivers.find((it) => it.name === receiver)?.channels.map((it) => it.type) ?? [],
  because: path,
});

const escalationOf = (alerting: Alerting, name: string | undefined): Answer['escalation'] => {
  if (name === undefined) return null;
  const policy = alerting.escalationPolicies.find((it) => it.name === name);
  if (!policy) {
    throw new Fault('ERR_POLICY_UNKNOWN', `there is no escalation policy ${name}`, {
      remedy: 'reject',
    });
  }
  const levels = policy.levels.map(({ afterMs, notify }, index) => ({
    level: index + 1,
    after: formatDuration(afterMs),
    notify,
  }));
  return { policy: name, levels, repeat: policy.repeat };
};

const print = (io: Io, { receivers, escalation }: Answer): void => {
  for (const { receiver, channels, because } of receivers) {
    const by = channels.length > 0 ? channels.join(', ') : 'no channel: nobody is told';
    say(io, `${receiver} (${by})`);
    say(io, `  because ${because.map((it) => (it === '{}' ? 'every alert' : it)).join(' > ')}`);
  }
  for (const { level, after, notify } of escalation?.levels ?? []) {
    say(io, `level ${level} of ${escalation?.policy}, after ${after}: ${notify.join(', ')}`);
  }
};

/** Commas separate labels, unless quoted: `a="b,c"`. */
const labelsOf = (text: string): Labels => {
  const parts = text.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [];
  return Object.fromEntries(
    parts.map((part) => {
      const [, name, quoted, plain = ''] =
        /^\s*([^=\s]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|(.*?))\s*$/s.exec(part) ?? [];
      if (name === undefined) throw usageFault(`expected name=value, not ${part.trim()}`);
      return [name, quoted?.replaceAll(/\\(.)/g, '$1') ?? plain];
    }),
  );
};

const alertingOf = (io: Io, options: Options): Alerting => {
  const { environment } = io;
  const configPath = options.config ?? (environment['TOCSIN_CONFIG'] || undefined);
  const config = loadConfig({
    ...(configPath !== undefined && {
      file: { path: configPath, text: readArgument(configPath, read) },
    }),
    environment,
    mode: 'up',
    readFile: read,
  });
  if (!config.ok) throw checkFault(config.problems.map(formatProblem));
  const { file, fileGiven } = config.config.alerting;
  const path = options.alerting ?? file;
  const given = options.alerting !== undefined || fileGiven;
  const text = given ? readArgument(path, read) : readIfThere(path);
  const reading = loadAlerting({
    ...(text !== undefined && { file: { path, text } }),
    environment,
    readFile: read,
    externalUrl: 'http://127.0.0.1:9900',
  });
  if (!reading.ok) throw checkFault(reading.problems.map(formatProblem));
  return reading.alerting;
};

const checkFault = (lines: readonly string[]): Fault =>
  new Fault('ERR_CONFIG_INVALID', lines.join('\n'), { remedy: 'reject' });

const readIfThere = (path: string): string | undefined => {
  try {
    return read(path);
  } catch {
    return undefined;
  }
};
