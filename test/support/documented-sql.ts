import { globSync, readFileSync } from 'node:fs';

export interface DocumentedStatement {
  /** Path of the document and line of the block's first line. */
  readonly place: string;
  readonly path: string;
  readonly sql: string;
}

/**
 * Every statement that people may copy from a document of this repository: in ```sql blocks, parted by
 * semicolons and empty lines. Other parts of such blocks (a column, an expression) are left out.
 */
export const documentedStatements = (): readonly DocumentedStatement[] =>
  globSync('**/*.md', { exclude: (path) => path.startsWith('node_modules') })
    .toSorted()
    .flatMap(statementsOf);

const statementsOf = (path: string): readonly DocumentedStatement[] => {
  const text = readFileSync(path, 'utf8');
  return text
    .matchAll(/```sql\n([^]*?)```/g)
    .flatMap(({ index, 1: block = '' }) =>
      block
        .replaceAll(/--.*$/gm, '')
        .split(/;|\n\s*\n/)
        .map((it) => it.trim())
        .filter((it) => /^(SELECT|WITH)\b/.test(it))
        .map((sql) => ({
          place: `${path}:${text.slice(0, index).split('\n').length}`,
          path,
          sql,
        })),
    )
    .toArray();
};
