/** A panel of a dashboard, before it becomes Grafana's JSON. */
export interface Panel {
  readonly title: string;
  /** What it shows that its title does not tell. */
  readonly about?: string;
  readonly kind: 'timeseries' | 'table' | 'stat' | 'nodeGraph';
  /** One statement, or several with a name each, which Grafana calls refId. */
  readonly sql: string | Readonly<Record<string, string>>;
  /** Grafana's name of the unit of all values. */
  readonly unit?: string;
  /** Of single columns, where they differ. */
  readonly units?: Readonly<Record<string, string>>;
  /** Columns of 24. */
  readonly width: number;
  readonly stacked?: true;
}

/** What people choose, or, when hidden, what is chosen for them from the range that is shown. */
export interface Variable {
  readonly name: string;
  readonly label?: string;
  readonly sql: string;
  readonly hidden?: true;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly variables: readonly Variable[];
  readonly panels: readonly Panel[];
}

const dataSource = { type: 'grafana-clickhouse-datasource', uid: '${datasource}' };
const panelHeight = 9;
const columns = 24;

/** The JSON of a dashboard as Grafana provisions it (schema version 39, Grafana 10.4 and later). */
export const dashboardJson = (dashboard: Dashboard): string =>
  `${JSON.stringify(
    {
      uid: dashboard.uid,
      title: dashboard.title,
      description: dashboard.about,
      tags: ['tocsin'],
      schemaVersion: 39,
      editable: true,
      graphTooltip: 1,
      refresh: '',
      time: { from: 'now-6h', to: 'now' },
      timezone: 'browser',
      templating: { list: [dataSourceVariable, ...dashboard.variables.map(variableJson)] },
      panels: placed(dashboard.panels).map(({ panel, x, y }, index) =>
        panelJson(panel, index + 1, { x, y, w: panel.width, h: panelHeight }),
      ),
    },
    null,
    2,
  )}\n`;

const dataSourceVariable = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'grafana-clickhouse-datasource',
};

const variableJson = ({ name, label, sql, hidden }: Variable) => ({
  name,
  label: label ?? name,
  type: 'query',
  datasource: dataSource,
  query: sql,
  definition: sql,
  hide: hidden ? 2 : 0,
  // 2: whenever the range changes.
  refresh: 2,
  sort: 0,
  includeAll: false,
  multi: false,
});

/** From left to right, in lines. */
const placed = (panels: readonly Panel[]) => {
  let x = 0;
  let y = 0;
  return panels.map((panel) => {
    if (x + panel.width > columns) {
      x = 0;
      y += panelHeight;
    }
    const place = { panel, x, y };
    x += panel.width;
    return place;
  });
};

const panelJson = (panel: Panel, id: number, gridPos: object) => ({
  id,
  title: panel.title,
  ...(panel.about !== undefined && { description: panel.about }),
  type: panel.kind,
  datasource: dataSource,
  gridPos,
  fieldConfig: {
    defaults: {
      ...(panel.unit !== undefined && { unit: panel.unit }),
      ...(panel.kind === 'timeseries' && { custom: custom(panel), min: 0 }),
    },
    overrides: Object.entries(panel.units ?? {}).map(([column, unit]) => ({
      matcher: { id: 'byName', options: column },
      properties: [{ id: 'unit', value: unit }],
    })),
  },
  options: panel.kind === 'timeseries' ? { tooltip: { mode: 'multi', sort: 'desc' } } : {},
  targets: Object.entries(typeof panel.sql === 'string' ? { A: panel.sql } : panel.sql).map(
    ([refId, rawSql]) => targetJson(panel, refId, rawSql),
  ),
});

const custom = ({ stacked }: Panel) => ({
  fillOpacity: stacked ? 30 : 8,
  lineWidth: 1,
  showPoints: 'auto',
  spanNulls: false,
  stacking: { mode: stacked ? 'normal' : 'none' },
});

const targetJson = ({ kind }: Panel, refId: string, rawSql: string) => ({
  refId,
  datasource: dataSource,
  editorType: 'sql',
  queryType: kind === 'timeseries' ? 'timeseries' : 'table',
  // 0: time series, in which text columns name the series; 1: table.
  format: kind === 'timeseries' ? 0 : 1,
  rawSql,
});
