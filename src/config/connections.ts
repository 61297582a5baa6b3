import type { Path, Problem, ProblemAt } from '../lib/document.ts';
import { Secret } from '../lib/secret.ts';
import type { ClickhouseConfig, Mode, RedisConfig } from './config.ts';
import { defined } from './defined.ts';
import type { ConfigDocument } from './schema.ts';
import type { SecretReader } from './secrets.ts';

interface Connections {
  readonly clickhouse: ClickhouseConfig;
  readonly redis: RedisConfig;
  readonly problems: readonly Problem[];
}

/** Where ClickHouse and Redis are: run by us in `up` unless a URL is given, always elsewhere in `serve`. */
export const connectionsOf = (
  document: ConfigDocument,
  mode: Mode,
  secrets: SecretReader,
  problemAt: ProblemAt,
): Connections => {
  const problems: Problem[] = [];
  const refuse = (path: Path, message: string) => problems.push(problemAt(path, message));

  const urlOf = (section: 'clickhouse' | 'redis', example: string): string | undefined => {
    const { url } = document[section];
    if (url !== undefined && url !== 'embedded') return url;
    if (mode === 'serve') {
      refuse(
        [section, 'url'],
        url === undefined
          ? `tocsin serve needs the address of a server, such as ${example}`
          : `embedded is for tocsin up; tocsin serve needs a server, such as ${example}`,
      );
    }
    return undefined;
  };

  const serverOf = (
    section: 'clickhouse' | 'redis',
    example: string,
  ): ReturnType<typeof withoutCredentials> | undefined => {
    const { username } = document[section];
    const url = urlOf(section, example);
    const password = secrets.read(document[section], 'password', [section]);
    const given = username !== undefined || password !== undefined;
    if (url === undefined) {
      if (mode === 'up' && given) {
        refuse([section], 'the embedded server makes its own users: set url, or no credentials');
      }
      return undefined;
    }
    const split = withoutCredentials(url);
    if (given && (split.username !== undefined || split.password)) {
      refuse([section, 'url'], 'credentials are in the URL and beside it: give them once');
    }
    return {
      url: split.url,
      username: username ?? split.username,
      password: password ?? split.password,
    };
  };

  const { database, storage_policy: storagePolicy, cluster } = document.clickhouse;
  const clickhouse = serverOf('clickhouse', 'http://clickhouse:8123');
  if (cluster !== undefined && !clickhouse && mode === 'up') {
    refuse(['clickhouse', 'cluster'], 'the embedded server is one alone: set clickhouse.url');
  }
  const redis = serverOf('redis', 'redis://redis:6379');
  return {
    clickhouse: clickhouse
      ? {
          kind: 'server',
          database,
          ...defined({
            ...clickhouse,
            username: clickhouse.username ?? 'default',
            storagePolicy,
            cluster,
          }),
        }
      : { kind: 'embedded', database, ...defined({ storagePolicy }) },
    redis: redis ? { kind: 'server', ...defined(redis) } : { kind: 'embedded' },
    problems,
  };
};

/** Credentials in a URL would show wherever the URL is shown. */
const withoutCredentials = (text: string) => {
  const url = new URL(text);
  const username = url.username === '' ? undefined : decodeURIComponent(url.username);
  const password = url.password === '' ? undefined : new Secret(decodeURIComponent(url.password));
  url.username = '';
  url.password = '';
  return { url: url.href.replace(/\/+$/, ''), username, password };
};
