import type { Route } from '../model/alerting.ts';
import type { Labels } from '../model/matcher.ts';
import { formatMatcher } from '../model/matcher-syntax.ts';
import { matchesAll } from './matcher.ts';

export interface RoutedReceiver {
  readonly receiver: string;
  /** The matchers passed on the way, root first: `['{}', '{team="payments"}']`. */
  readonly path: readonly string[];
}

/**
 * Alertmanager's routing tree: depth first, the first child that matches unless it says `continue`,
 * the node itself when no child does; receivers are inherited. Each receiver stands once, with the
 * path that reached it first.
 */
export const routeLabels = (root: Route, labels: Labels): readonly RoutedReceiver[] => {
  const reached = walk(root, '', [], labels);
  return reached.filter(
    (it, index) => reached.findIndex((other) => other.receiver === it.receiver) === index,
  );
};

const walk = (
  route: Route,
  inherited: string,
  above: readonly string[],
  labels: Labels,
): readonly RoutedReceiver[] => {
  if (!matchesAll(route.matchers, labels)) return [];
  const receiver = route.receiver ?? inherited;
  const path = [...above, `{${route.matchers.map(formatMatcher).join(',')}}`];
  const reached: RoutedReceiver[] = [];
  for (const child of route.routes) {
    const found = walk(child, receiver, path, labels);
    reached.push(...found);
    if (found.length > 0 && !child.continue) break;
  }
  return reached.length > 0 ? reached : [{ receiver, path }];
};
