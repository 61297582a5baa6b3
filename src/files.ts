import { globSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { loadAlerting } from './config/alerting.ts';
import type { Config } from './config/config.ts';
import type { Environment } from './config/substitute.ts';
import type { Stored } from './evaluate/compile/stored.ts';
import { loadRules } from './evaluate/rules/load.ts';
import type { RuleGroup, RuleProblem } from './evaluate/rules/plan.ts';
import type { Problem } from './lib/document.ts';
import { messageOf } from './lib/fault.ts';
import type { Alerting } from './model/alerting.ts';
import type { CacheConventions } from './model/cache-conventions.ts';
import type { PerTier } from './model/retention.ts';
import type { SampleRule } from './model/sampling.ts';
import type { SlaObjective } from './model/sla.ts';

/** What people write besides tocsin.yaml: who is told, and when. */
export interface Files {
  readonly groups: readonly RuleGroup[];
  /** What is written down of the SLAs minute by minute. */
  readonly objectives: readonly SlaObjective[];
  readonly ruleFiles: readonly string[];
  readonly alerting: Alerting;
  /** False: no alerting file is there, and alerts go to the log. */
  readonly alertingGiven: boolean;
  readonly warnings: readonly Problem[];
}

export type FilesReading =
  | { readonly ok: true; readonly files: Files }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface FilesSource {
  readonly config: Config;
  readonly environment: Environment;
  readonly externalUrl: string;
  /** Rule files besides the configured ones, such as the demo's. */
  readonly extraRuleFiles: readonly string[];
  /** Those that a running daemon started with, instead of the configured ones. */
  readonly caches?: CacheConventions;
}

/** `auto` until rules follow the watermark: a second for batching and one for clocks that differ. */
const autoQueryOffsetMs = 2_000;
/** From when a trace has waited until its rows can be read: slices of a second, then a batch. */
const tailDecisionMs = 2_000;

/**
 * Reads rules and alerting with everything wrong in them at once, so that a reload either changes
 * all or nothing. A rule that names an unknown escalation policy is a problem too.
 */
export const readFiles = (source: FilesSource): FilesReading => {
  const { config } = source;
  const problems: Problem[] = [];
  const ruleFiles = findRuleFiles(source, problems);
  const text = readAlertingText(config, problems);
  const alerting = loadAlerting({
    ...(text !== undefined && { file: { path: config.alerting.file, text } }),
    environment: source.environment,
    readFile: (path) => readFileSync(path, 'utf8'),
    externalUrl: config.alerting.externalUrl ?? source.externalUrl,
  });
  const { intervalMs, queryOffset } = config.rules;
  const rules = loadRules(readTexts(ruleFiles, problems), {
    intervalMs,
    ...(queryOffset === 'auto'
      ? { queryOffsetMs: autoQueryOffsetMs, spanDelayMs: spanDelayMs(config.ingest.sample) }
      : { queryOffsetMs: queryOffset }),
    stored: storedOf(config, source.caches),
    ...(alerting.ok && { timeIntervals: alerting.alerting.timeIntervals ?? new Map() }),
  });
  problems.push(...rules.problems.filter((it) => it.severity === 'error'));
  if (!alerting.ok) return { ok: false, problems: [...problems, ...alerting.problems] };
  problems.push(...unknownPolicies(rules.groups, alerting.alerting));
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    files: {
      groups: rules.groups,
      objectives: rules.objectives,
      ruleFiles,
      alerting: alerting.alerting,
      alertingGiven: text !== undefined,
      warnings: [...rules.problems.filter(isWarning), ...alerting.warnings],
    },
  };
};

/** For any service: what one of them no longer has is not relied on for the others either. */
export const storedOf = ({ retention, ingest }: Config, caches = ingest.caches): Stored => {
  const all = [retention, ...(retention.overrides ?? []).map((it) => it.keptMs)];
  const shortest = (tier: (of: PerTier<number | undefined>) => number | undefined): number =>
    Math.min(...all.flatMap((it) => tier(it) ?? []));
  const spansKeptMs = {
    raw: shortest((it) => it.traces.raw),
    '1m': shortest((it) => it.spans['1m']),
    '1h': shortest((it) => it.spans['1h']),
    '1d': shortest((it) => it.spans['1d']),
  };
  const pointsKeptMs = shortest((it) => it.metrics.raw);
  return {
    spansKeptMs,
    cachesKeptMs: { ...spansKeptMs, raw: Math.min(spansKeptMs.raw, pointsKeptMs) },
    metricsKeptMs: {
      raw: pointsKeptMs,
      '1m': shortest((it) => it.metrics['1m']),
      '1h': shortest((it) => it.metrics['1h']),
      '1d': shortest((it) => it.metrics['1d']),
    },
    logsKeptMs: shortest((it) => it.logs),
    caches,
  };
};

/** How much later spans are stored when rules of sampling wait for the rest of their traces. */
const spanDelayMs = (sample: readonly SampleRule[]): number => {
  const waitsMs = sample.flatMap(({ tail }) => (tail ? [tail.waitMs] : []));
  return waitsMs.length === 0 ? 0 : Math.max(...waitsMs) + tailDecisionMs;
};

const isWarning = (problem: RuleProblem): boolean => problem.severity === 'warning';

const findRuleFiles = (source: FilesSource, problems: Problem[]): readonly string[] => {
  const { files, filesGiven } = source.config.rules;
  const found = files.flatMap((pattern) => {
    const matches = globSync(pattern).toSorted();
    if (matches.length === 0 && filesGiven) {
      problems.push({ ...wholeFile(pattern), key: 'rules.files', message: 'matches no file' });
    }
    return matches;
  });
  return [...new Set([...found, ...source.extraRuleFiles])];
};

const readTexts = (files: readonly string[], problems: Problem[]) =>
  files.flatMap((path) => {
    const file = shown(path);
    try {
      return [{ file, text: readFileSync(path, 'utf8') }];
    } catch (error) {
      problems.push({ ...wholeFile(file), message: messageOf(error) });
      return [];
    }
  });

const readAlertingText = (config: Config, problems: Problem[]): string | undefined => {
  const { file, fileGiven } = config.alerting;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (fileGiven) {
      problems.push({ ...wholeFile(file), key: 'alerting.file', message: messageOf(error) });
    }
    return undefined;
  }
};

const unknownPolicies = (groups: readonly RuleGroup[], alerting: Alerting): readonly Problem[] => {
  const known = new Set(alerting.escalationPolicies.map((it) => it.name));
  return groups.flatMap((group) =>
    group.rules.flatMap(({ escalation, alertName, line }) =>
      escalation === undefined || known.has(escalation)
        ? []
        : [
            {
              ...wholeFile(group.file),
              line,
              message: `${alertName} escalates by ${escalation}, which is no policy in the alerting file`,
            },
          ],
    ),
  );
};

const wholeFile = (file: string) => ({ file, line: 1, column: 1, key: '' });

/** Rule ids hold the file's name, so it must not depend on where the daemon was started from above. */
const shown = (path: string): string => {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
};
