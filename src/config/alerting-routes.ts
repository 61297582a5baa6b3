import type { Path } from '../lib/document.ts';
import type { Route } from '../model/alerting.ts';
import { matchersOf, usedOf } from './alerting-fields.ts';
import { type RouteSection, routeUnapplied } from './alerting-schema.ts';
import { defined } from './defined.ts';
import type { Notices } from './notices.ts';

export interface RouteNames {
  readonly receivers: ReadonlySet<string>;
  readonly timeIntervals: ReadonlySet<string>;
}

/** The routing tree; the root must have a receiver and match everything, as in Alertmanager. */
export const rootRouteOf = (section: RouteSection, names: RouteNames, notices: Notices): Route => {
  const path = ['route'];
  if (section.receiver === undefined) {
    notices.refuse(path, 'the root route needs a receiver');
  }
  if (usedOf(section, ['match', 'match_re', 'matchers']).length > 0) {
    notices.refuse(path, 'the root route takes every alert: it must not have matchers');
  }
  for (const key of usedOf(section, ['mute_time_intervals', 'active_time_intervals'])) {
    notices.refuse([...path, key], 'the root route must not be muted');
  }
  const warned = new Set<string>();
  return routeOf(section, path, names, notices, warned);
};

const routeOf = (
  section: RouteSection,
  path: Path,
  names: RouteNames,
  notices: Notices,
  warned: Set<string>,
): Route => {
  const { receiver } = section;
  if (receiver !== undefined && !names.receivers.has(receiver)) {
    notices.refuse([...path, 'receiver'], `there is no receiver ${receiver}`);
  }
  for (const key of ['mute_time_intervals', 'active_time_intervals'] as const) {
    for (const [index, name] of (section[key] ?? []).entries()) {
      if (names.timeIntervals.has(name)) continue;
      notices.refuse([...path, key, index], `there is no time interval ${name}`);
    }
  }
  for (const key of usedOf(section, routeUnapplied).filter((it) => !warned.has(it))) {
    warned.add(key);
    notices.warn([...path, key], unappliedMessage(key));
  }
  return defined({
    receiver,
    matchers: matchersOf({
      equal: section.match,
      pattern: section.match_re,
      texts: section.matchers,
    }),
    continue: section.continue,
    routes: (section.routes ?? []).map((it, index) =>
      routeOf(it, [...path, 'routes', index], names, notices, warned),
    ),
  });
};

const unappliedMessage = (key: string): string => {
  if (key === 'labels') return 'not applied yet';
  return key.endsWith('time_intervals')
    ? 'not applied yet: messages are sent at all times'
    : 'not applied yet: each alert is told by itself, once for each change';
};
