import t from 'tap';
import { routeLabels } from '../../src/decide/route.ts';
import type { Route } from '../../src/model/alerting.ts';
import { parseMatchers } from '../../src/model/matcher-syntax.ts';

const route = (matchers: string, receiver: string | undefined, ...routes: Route[]): Route => ({
  matchers: parseMatchers(matchers) ?? [],
  continue: false,
  routes,
  ...(receiver !== undefined && { receiver }),
});
const goOn = (it: Route): Route => ({ ...it, continue: true });

const tree = route(
  '',
  'default',
  goOn(route('severity="audit"', 'audit')),
  route(
    'team="payments"',
    'payments',
    route('severity=~"critical|page"', 'payments-pager'),
    route('service_name="legacy"', undefined, route('severity="info"', 'nobody')),
  ),
  goOn(route('team="search"', 'search')),
  route('region!=""', 'regional'),
);

// biome-ignore format: one case per line.
const table: readonly (readonly [name: string, labels: Record<string, string>, expected: readonly string[]])[] = [
  ['what no child matches stays at the root',            { team: 'web' },                                          ['default']],
  ['a child that matches replaces the root',             { team: 'payments' },                                     ['payments']],
  ['the deepest match wins',                             { team: 'payments', severity: 'critical' },               ['payments-pager']],
  ['patterns are anchored at both ends',                 { team: 'payments', severity: 'critical-ish' },           ['payments']],
  ['a child without receiver inherits it',               { team: 'payments', service_name: 'legacy' },             ['payments']],
  ['a grandchild of such a child still matches',         { team: 'payments', service_name: 'legacy', severity: 'info' }, ['nobody']],
  ['the first match ends the search',                    { team: 'payments', region: 'eu' },                       ['payments']],
  ['continue lets siblings match too',                   { team: 'search', region: 'eu' },                         ['search', 'regional']],
  ['continue alone does not fall back to the parent',    { team: 'search' },                                       ['search']],
  ['continue may lead into another branch',              { team: 'payments', severity: 'audit' },                  ['audit', 'payments']],
  ['a missing label counts as empty',                    {},                                                       ['default']],
];

for (const [name, labels, expected] of table) {
  t.test(name, async (t) => {
    t.strictSame(
      routeLabels(tree, labels).map((it) => it.receiver),
      expected,
    );
  });
}

t.test('the path explains how a receiver was reached', async (t) => {
  t.strictSame(routeLabels(tree, { team: 'payments', severity: 'page' }), [
    {
      receiver: 'payments-pager',
      path: ['{}', '{team="payments"}', '{severity=~"critical|page"}'],
    },
  ]);
});

t.test('a receiver that is reached twice stands once, with its first path', async (t) => {
  const twice = route('', 'default', goOn(route('a="b"', 'x')), route('c="d"', 'x'));
  t.strictSame(routeLabels(twice, { a: 'b', c: 'd' }), [
    { receiver: 'x', path: ['{}', '{a="b"}'] },
  ]);
});

t.test('a matcher on an attribute name means its label', async (t) => {
  const dotted = route('', 'default', route('service.name=checkout', 'x'));
  t.equal(routeLabels(dotted, { service_name: 'checkout' })[0]?.receiver, 'x');
});
