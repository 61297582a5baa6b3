/** Where the tables live: one server, or a cluster whose macros and Keeper are set up. */
export interface Placement {
  readonly database: string;
  /** Name of a cluster in `remote_servers`; every table is then Replicated with a Distributed one in front. */
  readonly cluster?: string | undefined;
  readonly storagePolicy?: string | undefined;
}

/**
 * Blocks a table remembers, so that a block sent again under its token is stored once. At one insert
 * a second over a day boundary or two this reaches back more than an hour; on Replicated tables the
 * age counts as well and must cover an outage of the daemon that replays its journal.
 */
const deduplicationBlocksMax = 10_000;
const deduplicationAgeSecondsMax = 7 * 86_400;

/**
 * Fills the placeholders of a migration, so that one text serves a single server and a cluster:
 * `{{database}}`, `{{on_cluster}}`, `{{local NAME}}` (the table that holds rows), `{{table NAME}}`
 * (the one people read), `{{engine NAME}}`, `{{settings}}` and `{{distributed NAME by EXPRESSION}}`
 * (a whole statement, empty on a single server).
 */
export const renderSql = (text: string, placement: Placement): string =>
  text.replaceAll(/\{\{(\w+)(?: ([^}]+))?\}\}/g, (whole, word: string, rest = '') => {
    const fill = placeholders[word];
    if (!fill) throw new Error(`unknown placeholder ${whole} in a migration`);
    return fill(placement, rest);
  });

/** A name in backticks, whatever is in it. */
export const quoteName = (name: string): string =>
  `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;

/** Name of the table that holds the rows behind `table`. */
export const localName = (table: string, { cluster }: Placement): string =>
  cluster === undefined ? table : `${table}_local`;

/** ` ON CLUSTER name`, or nothing. */
export const onCluster = ({ cluster }: Placement): string =>
  cluster === undefined ? '' : `ON CLUSTER ${quoteName(cluster)}`;

/** `ALTER TABLE` on the table that holds the rows behind `table`, on every node of a cluster. */
export const alterLocal = (table: string, placement: Placement): string =>
  ['ALTER TABLE', qualified(localName(table, placement), placement), onCluster(placement)]
    .filter((it) => it !== '')
    .join(' ');

const qualified = (table: string, { database }: Placement): string =>
  `${quoteName(database)}.${quoteName(table)}`;

const placeholders: Readonly<Record<string, (placement: Placement, rest: string) => string>> = {
  database: ({ database }) => quoteName(database),
  on_cluster: onCluster,
  local: (placement, name) => qualified(localName(name, placement), placement),
  table: (placement, name) => qualified(name, placement),
  engine: ({ cluster }, name) => (cluster === undefined ? name : `Replicated${name}`),
  settings: (placement) => `SETTINGS ${settingsOf(placement).join(', ')}`,
  distributed: (placement, rest) => distributed(placement, rest),
};

/** `materialize_ttl_recalculate_only`: a changed retention touches the parts' ages, not their rows. */
const settingsOf = ({ cluster, storagePolicy }: Placement): readonly string[] => [
  'index_granularity = 8192',
  'ttl_only_drop_parts = 1',
  'materialize_ttl_recalculate_only = 1',
  ...(cluster === undefined
    ? [`non_replicated_deduplication_window = ${deduplicationBlocksMax}`]
    : [
        `replicated_deduplication_window = ${deduplicationBlocksMax}`,
        `replicated_deduplication_window_seconds = ${deduplicationAgeSecondsMax}`,
      ]),
  ...(storagePolicy === undefined ? [] : [`storage_policy = ${quoteText(storagePolicy)}`]),
];

const distributed = (placement: Placement, rest: string): string => {
  const [, name, shardingKey] = /^(\w+) by (.+)$/.exec(rest) ?? [];
  if (name === undefined || shardingKey === undefined) {
    throw new Error(`expected {{distributed NAME by EXPRESSION}}, found ${rest}`);
  }
  const { cluster, database } = placement;
  if (cluster === undefined) return '';
  const local = localName(name, placement);
  const target = [quoteText(cluster), quoteText(database), quoteText(local), shardingKey].join(
    ', ',
  );
  return (
    `CREATE TABLE IF NOT EXISTS ${qualified(name, placement)} ${onCluster(placement)}\n` +
    `AS ${qualified(local, placement)}\nENGINE = Distributed(${target})`
  );
};

/** A string literal. */
export const quoteText = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
