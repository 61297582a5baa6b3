import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The command as a process of its own, beside an engine that others use. */
export const tocsinMigrate = async (
  engine: { readonly url: string; readonly username: string; readonly password: string },
  database: string,
  ...more: readonly string[]
): Promise<{ readonly code: number; readonly text: string; readonly error: string }> => {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    TOCSIN_CLICKHOUSE_URL: engine.url,
    TOCSIN_CLICKHOUSE_USERNAME: engine.username,
    TOCSIN_CLICKHOUSE_PASSWORD: engine.password,
    TOCSIN_CLICKHOUSE_DATABASE: database,
  };
  try {
    const { stdout } = await run('src/tocsin.sh', ['migrate', ...more], { env, timeout: 120_000 });
    return { code: 0, text: stdout, error: '' };
  } catch (error) {
    return { code: 1, text: '', error: String(error) };
  }
};
