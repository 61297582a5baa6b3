import { Fault } from '../../src/lib/fault.ts';
import type { ColumnBuilder } from '../../src/model/block.ts';

export interface SmallBuilderLimits {
  /** What fits beside each other. */
  readonly rowsMax: number;
}

/**
 * A real builder for a tiny language: a body is a list of table names, a row each, ten bytes a row;
 * `bad` is malformed and `none` is rejected by itself. What a request holds can be read off a block.
 */
export const smallBuilder = (limits: SmallBuilderLimits = { rowsMax: 1_000 }): ColumnBuilder => {
  let held: string[] = [];
  const count = (table: string) => held.filter((it) => it === table).length;
  const discard = () => {
    const rows = [...new Set(held)].map((table) => ({ table, rows: count(table) }));
    held = [];
    return rows;
  };
  return {
    append: (_encoding, body) => {
      const words = Buffer.from(body).toString().split(' ');
      if (words.includes('bad')) {
        throw new Fault('ERR_OTLP_MALFORMED', 'a bad word', { remedy: 'reject' });
      }
      const rows = words.filter((it) => it !== 'none');
      if (held.length + rows.length > limits.rowsMax) return 'full';
      held.push(...rows);
      return { accepted: rows.length, rejected: words.length - rows.length, message: '' };
    },
    rows: () => held.length,
    bytes: () => held.length * 10,
    finish: () =>
      discard().map(({ table, rows }) => ({
        ...{ table, rows, bytes: rows * 10 },
        segments: [new Uint8Array(rows * 10)],
      })),
    discard,
  };
};
