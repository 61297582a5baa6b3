import { type CacheConventions } from '../model/cache-conventions.ts';
import { type CacheView, cacheMark, cacheViews } from '../model/cache-views.ts';
import { localName, onCluster, type Placement, quoteName, quoteText, renderSql } from './render.ts';

/** A view as `system.tables` has it. */
export interface ViewComment {
  readonly table: string;
  readonly comment: string;
}

/** Caches that the views knew as declared, and those that they know now, in words. */
export interface Redeclared {
  readonly was: string;
  readonly now: string;
}

export interface CacheViewChange {
  readonly statements: readonly string[];
  /** Undefined unless views of somebody who declares other caches are changed. */
  readonly redeclared: Redeclared | undefined;
}

/** As much as fits into a comment that people may read. */
const declaredCharsMax = 1_000;

/**
 * What brings the materialized views of caches to what the program and its configuration recognise,
 * nothing when they are. A view tells by its comment what it was made with; it is changed in place, so
 * that no insert passes it by. Of daemons that disagree the last one to start is right; the others
 * see that by the comment and compute nothing (`cacheViewsAreSql`). None while the tables that the
 * views fill are not there: a test may bring other migrations.
 */
export const changeCacheViews = (
  found: readonly ViewComment[],
  conventions: CacheConventions,
  placement: Placement,
): CacheViewChange => {
  const comments = new Map(found.map((it) => [it.table, it.comment]));
  const views = cacheViews(conventions).filter((it) =>
    comments.has(localName(it.since, placement)),
  );
  const mark = cacheMark(conventions);
  const now = wordsOf(conventions);
  const was = views
    .map((it) => declaredIn(comments.get(localName(it.view, placement)) ?? ''))
    .find((it) => it !== undefined && it !== now);
  return {
    statements: views.flatMap((view) => {
      const comment = `Fills ${view.target} from ${view.source}; declared: ${now}; text ${mark}`;
      return statementsFor(view, comment, comments.get(localName(view.view, placement)), placement);
    }),
    redeclared: was === undefined ? undefined : { was, now },
  };
};

/** What is declared here, and in the views by whoever made them; undefined: views are as they are here. */
export const disagreement = (
  found: readonly ViewComment[],
  conventions: CacheConventions,
): { readonly here: string; readonly views: string } | undefined => {
  const mark = cacheMark(conventions);
  const others = found.find((it) => !it.comment.endsWith(`; text ${mark}`));
  return others && { here: wordsOf(conventions), views: declaredIn(others.comment) ?? 'unknown' };
};

/** What a daemon that made the views declared, in words; undefined where the comment does not say. */
const declaredIn = (comment: string): string | undefined =>
  /; declared: (.*); text [0-9a-f]{12}$/s.exec(comment)?.[1];

const wordsOf = ({ declared }: CacheConventions): string =>
  declared === '' ? 'nothing' : declared.slice(0, declaredCharsMax);

const statementsFor = (
  view: CacheView,
  comment: string,
  there: string | undefined,
  placement: Placement,
): readonly string[] => {
  const name = localName(view.view, placement);
  const select = renderSql(view.select, placement);
  const target = [`${quoteName(placement.database)}.${quoteName(name)}`, onCluster(placement)]
    .filter((it) => it !== '')
    .join(' ');
  if (there === comment) return [];
  if (there !== undefined) {
    // At once: two daemons at the same time must not leave the text of one with the mark of the other.
    return [`ALTER TABLE ${target} MODIFY COMMENT ${quoteText(comment)}, MODIFY QUERY ${select}`];
  }
  const to = renderSql(`{{local ${view.target}}}`, placement);
  return [
    `CREATE MATERIALIZED VIEW IF NOT EXISTS ${target}\nTO ${to}\nAS ${select}\nCOMMENT ${quoteText(comment)}`,
  ];
};
