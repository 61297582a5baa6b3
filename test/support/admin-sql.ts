import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AskSql } from '../../bench/load/verify.ts';
import type { Daemon } from './daemon.ts';

/** SQL to the daemon's own ClickHouse, as the user who may do everything. */
export const adminSql =
  ({ dir, listen }: Daemon): AskSql =>
  async (sql) => {
    const file = join(dir, 'data', 'clickhouse', 'daemon.credentials');
    const [, user = '', password = ''] =
      /user=(.*)\npassword=(.*)/.exec(readFileSync(file, 'utf8')) ?? [];
    const headers = { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password };
    const answer = await fetch(`http://${listen.sql}`, { method: 'POST', body: sql, headers });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return text;
  };
