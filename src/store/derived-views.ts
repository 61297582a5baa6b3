import { createHash } from 'node:crypto';
import type { CacheView } from '../model/cache-views.ts';
import { localName, onCluster, type Placement, quoteName, quoteText, renderSql } from './render.ts';

/** A view as `system.tables` has it. */
export interface ViewComment {
  readonly table: string;
  readonly comment: string;
}

/**
 * The statements that bring materialized views to what the program and its configuration recognise,
 * none when they are. A view tells by its comment which text it was made with; it is changed in
 * place, so that no insert passes it by. Of daemons that disagree the last one to start is right.
 */
export const viewStatements = (
  found: readonly ViewComment[],
  views: readonly CacheView[],
  placement: Placement,
): readonly string[] => {
  const comments = new Map(found.map((it) => [it.table, it.comment]));
  return views.flatMap((view) => {
    const name = localName(view.view, placement);
    const select = renderSql(view.select, placement);
    const mark = createHash('sha256').update(view.select).digest('hex').slice(0, 12);
    const comment = quoteText(`Fills ${view.target} from ${view.source}; text ${mark}`);
    const target = [`${quoteName(placement.database)}.${quoteName(name)}`, onCluster(placement)]
      .filter((it) => it !== '')
      .join(' ');
    const there = comments.get(name);
    if (there === undefined) {
      const to = renderSql(`{{local ${view.target}}}`, placement);
      return [
        `CREATE MATERIALIZED VIEW IF NOT EXISTS ${target}\nTO ${to}\nAS ${select}\nCOMMENT ${comment}`,
      ];
    }
    if (there.endsWith(mark)) return [];
    return [
      `ALTER TABLE ${target} MODIFY QUERY ${select}`,
      `ALTER TABLE ${target} MODIFY COMMENT ${comment}`,
    ];
  });
};
