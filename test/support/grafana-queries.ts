import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

interface Target {
  readonly refId: string;
  readonly rawSql: string;
}

interface DashboardFile {
  readonly title: string;
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: string;
    }[];
  };
  readonly panels: readonly { readonly title: string; readonly targets: readonly Target[] }[];
}

/** What a person looks at. Times in seconds since 1970. */
export interface GrafanaRange {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

export interface GrafanaQuery {
  /** Name of the file without `.json`. */
  readonly dashboard: string;
  /** Title of the panel, or name of the variable. */
  readonly panel: string;
  /** As ClickHouse gets it. */
  readonly sql: string;
}

/** What a panel is wide, pixels: Grafana asks for as many points. */
const points = 1_000;

/**
 * Every query of `deploy/grafana/dashboards` as the data source sends it for this range. Variables are
 * asked for in order, by `firstValueOf` (the first value of the first row), and their queries listed, too.
 */
export const grafanaQueries = async (
  range: GrafanaRange,
  firstValueOf: (sql: string) => Promise<string>,
): Promise<readonly GrafanaQuery[]> => {
  const queries: GrafanaQuery[] = [];
  for (const path of globSync('deploy/grafana/dashboards/*.json').toSorted()) {
    const dashboard = basename(path, '.json');
    const { templating, panels } = JSON.parse(readFileSync(path, 'utf8')) as DashboardFile;
    const variables = new Map<string, string>();
    for (const { name, query } of templating.list.filter((it) => it.type === 'query')) {
      const sql = expanded(query, range, variables);
      queries.push({ dashboard, panel: name, sql });
      variables.set(name, await firstValueOf(sql));
    }
    for (const { title, targets } of panels) {
      for (const { refId, rawSql } of targets) {
        const panel = targets.length > 1 ? `${title} (${refId})` : title;
        queries.push({ dashboard, panel, sql: expanded(rawSql, range, variables) });
      }
    }
  }
  return queries;
};

/** First Grafana puts in variables, then the data source its macros (its pkg/macros/macros.go). */
const expanded = (
  sql: string,
  { fromSeconds, toSeconds }: GrafanaRange,
  variables: ReadonlyMap<string, string>,
): string => {
  const interval = Math.max(1, Math.floor((toSeconds - fromSeconds) / points));
  const [from, to] = [`toDateTime(${fromSeconds})`, `toDateTime(${toSeconds})`];
  const text = sql
    .replaceAll(/\$\{(\w+)(?::(\w+))?\}|\$(\w+)/g, (found, braced, format, bare) => {
      const value = variables.get(braced ?? bare);
      if (value === undefined) return found;
      return format === 'sqlstring' ? `'${value.replaceAll("'", "''")}'` : value;
    })
    .replaceAll(
      /\$__timeFilter\(([^()]*)\)/g,
      (_, column) => `${column} >= ${from} AND ${column} <= ${to}`,
    )
    .replaceAll(/\$__fromTime\b/g, from)
    .replaceAll(/\$__toTime\b/g, to)
    .replaceAll(/\$__interval_s\b/g, String(interval));
  if (text.includes('$')) throw new Error(`not known here: ${text}`);
  return text;
};
