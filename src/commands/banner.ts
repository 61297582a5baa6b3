import type { App } from '../app.ts';
import type { Backends } from '../backends.ts';
import type { Files } from '../files.ts';

export interface BannerFacts {
  readonly version: string;
  readonly startMs: number;
  readonly app: App;
  readonly backends: Backends;
  readonly files: Files;
  readonly alertingFile: string;
  readonly dataDir: string;
}

/** What a person wants to know once the daemon is up: where to send, where to look, who is told. */
export const bannerOf = (facts: BannerFacts): string => {
  const { app, backends, files } = facts;
  const { listen } = app;
  const viewer = backends.embedded.clickhouse?.viewer;
  const rules = files.groups.reduce((sum, group) => sum + group.rules.length, 0);
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['OTLP/HTTP', listen['otlp_http'] && `${app.scheme('otlp_http')}://${listen['otlp_http']}`],
    ['OTLP/gRPC', listen['otlp_grpc'] && `${app.scheme('otlp_grpc')}://${listen['otlp_grpc']}`],
    ['console', listen['console'] && `${app.scheme('console')}://${listen['console']}/`],
    [
      'SQL',
      viewer &&
        listen['sql'] &&
        `curl -u ${viewer.user}:${viewer.password.reveal()} 'http://${listen['sql']}/?query=SHOW+TABLES+FROM+otel'`,
    ],
    ['data', backends.embedded.clickhouse && facts.dataDir],
    ['rules', `${rules} in ${files.ruleFiles.length} files`],
    [
      'alerts go to',
      files.alertingGiven
        ? files.alerting.receivers.map((it) => it.name).join(', ')
        : `this log, until ${facts.alertingFile} says otherwise`,
    ],
  ];
  const shown = lines.flatMap(([name, text]) => (text ? [`  ${name.padEnd(13)}${text}`] : []));
  const seconds = (facts.startMs / 1000).toFixed(1);
  return ['', `Tocsin ${facts.version} is ready (${seconds} s)`, '', ...shown, '', ''].join('\n');
};
