import { readFileSync } from 'node:fs';

/** The statements of a chapter of `src/rollup/README.md`, in order. */
export const documentedSql = (chapter: string): readonly string[] => {
  const [, text = ''] = readFileSync('src/rollup/README.md', 'utf8').split(`\n## ${chapter}\n`);
  const [own = ''] = text.split('\n## ');
  return own
    .matchAll(/```sql\n([^]*?)```/g)
    .map(([, sql = '']) => sql)
    .toArray();
};
