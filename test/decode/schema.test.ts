import { globSync, readFileSync } from 'node:fs';
import t from 'tap';
import { tableTypes } from '../support/table-types.ts';

const migrations = globSync('src/store/schema/*.sql')
  .toSorted()
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n');

t.test('the tables have the columns that the blocks bring, with the same types', async (t) => {
  for (const [table, types] of Object.entries(tableTypes)) {
    const [, after = ''] = migrations.split(`{{local ${table}}}`);
    const definition = after.split('ENGINE =')[0] ?? '';
    for (const [name, type] of Object.entries(types)) {
      const found = definition
        .split('\n')
        .some((line) =>
          [`${name} ${type} `, `\`${name}\` ${type} `].some((it) => line.trim().startsWith(it)),
        );
      t.ok(found, `${table}.${name} ${type}`);
    }
  }
});
