import t from 'tap';
import { findSilence } from '../../src/decide/silence.ts';
import { parseMatchers } from '../../src/model/matcher-syntax.ts';
import type { Silence } from '../../src/model/suppression.ts';

const silence = (id: string, matchers: string, startsAtMs: number, endsAtMs: number): Silence => ({
  id,
  matchers: parseMatchers(matchers) ?? [],
  startsAtMs,
  endsAtMs,
  by: 'ana',
  comment: '',
  updatedAtMs: startsAtMs,
});

const silences = [
  silence('short', 'service_name=checkout', 100, 200),
  silence('long', 'service_name=~"check.*"', 150, 300),
  silence('other', 'service_name=cart', 0, 1_000),
  silence('all', '', 0, 1_000),
];

// biome-ignore format: one case per line.
const table: readonly (readonly [name: string, service: string, nowMs: number, expected: string | undefined])[] = [
  ['before it starts a silence holds nothing',    'checkout', 99,  undefined],
  ['from its start on it holds',                  'checkout', 100, 'short'],
  ['of two the one that ends last is named',      'checkout', 150, 'long'],
  ['the end is not part of it',                   'checkout', 300, undefined],
  ['another service is not held',                 'search',   150, undefined],
  ['a silence without matchers holds nothing',    'web',      500, undefined],
];

for (const [name, service, nowMs, expected] of table) {
  t.test(name, async (t) => {
    t.equal(findSilence(silences, { service_name: service }, nowMs)?.id, expected);
  });
}
