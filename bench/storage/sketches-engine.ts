import { startClickHouse } from '../../test/support/clickhouse.ts';

export interface BenchEngine {
  /** Runs one statement on one thread and gives its rows. */
  readonly rows: <T>(sql: string) => Promise<readonly T[]>;
  /** Runs one statement on one thread; resolves with its processor time (user and system), µs. */
  readonly cpuMicros: (sql: string) => Promise<number>;
}

const settings = [
  'max_threads=1',
  'max_insert_threads=1',
  'async_insert=0',
  'max_memory_usage=0',
  'output_format_json_quote_64bit_integers=0',
  'output_format_json_quote_denormals=0',
  'max_bytes_before_external_group_by=0',
].join('&');

const spent = `SELECT sum(value) AS micros FROM system.events
  WHERE event IN ('UserTimeMicroseconds', 'SystemTimeMicroseconds')`;

/** A real engine of its own with nothing else to do, for as long as `use` runs. */
export const withBenchEngine = async <T>(use: (engine: BenchEngine) => Promise<T>): Promise<T> => {
  const ends: (() => unknown)[] = [];
  const server = await startClickHouse({
    teardown: (end) => {
      ends.push(end);
    },
  });
  const headers = {
    'X-ClickHouse-User': server.username,
    'X-ClickHouse-Key': server.password,
    'X-ClickHouse-Format': 'JSONEachRow',
  };
  const text = async (sql: string): Promise<string> => {
    const answer = await fetch(`${server.url}/?${settings}`, {
      method: 'POST',
      headers,
      body: sql,
    });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${body.slice(0, 400)}\n${sql.slice(0, 1_500)}`);
    return body;
  };
  const rows = async <Row>(sql: string): Promise<readonly Row[]> =>
    (await text(sql))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Row);
  const micros = async () => (await rows<{ micros: number }>(spent))[0]?.micros ?? Number.NaN;
  const cpuMicros = async (sql: string): Promise<number> => {
    const before = await micros();
    await text(sql);
    return (await micros()) - before;
  };
  try {
    await text('CREATE DATABASE sketches');
    return await use({ rows, cpuMicros });
  } finally {
    for (const end of ends) await end();
  }
};
