import type { z } from '../lib/document.ts';
import {
  type CacheConventions,
  type CacheFact,
  type CacheLatencyConvention,
  type CacheMetricConvention,
  foldMetricName,
  knownCacheConventions,
} from '../model/cache-conventions.ts';
import type { declaredCaches } from './caches-schema.ts';
import { defined } from './defined.ts';

type Declared = z.output<typeof declaredCaches>[number];

const facts = {
  hits: 'hit',
  misses: 'miss',
  gets: 'get',
  sets: 'set',
  deletes: 'delete',
  operations: 'command',
  evictions: 'eviction',
  memory: 'memory',
  entries: 'entries',
} as const satisfies Partial<Record<keyof NonNullable<Declared['metrics']>, CacheFact>>;

const durations = { durations: undefined, get_durations: 'get', set_durations: 'set' } as const;

/** What is declared comes before what everybody knows. */
export const cacheConventionsOf = (declared: readonly Declared[]): CacheConventions => {
  const metricNames = declared.flatMap(({ metrics = {} }) =>
    Object.keys(facts).flatMap((key) => metrics[key as keyof typeof facts] ?? []),
  );
  return {
    declared: declared.map(inWords).join('; '),
    metricWords: [...knownCacheConventions.metricWords, ...new Set(metricNames)],
    metrics: [...declared.flatMap(metricsOf), ...knownCacheConventions.metrics],
    latencies: [...declared.flatMap(latenciesOf), ...knownCacheConventions.latencies],
    spans: [
      ...declared.flatMap(({ name, system, spans }) =>
        spans === undefined
          ? []
          : [
              {
                title: `declared: ${name ?? spans.attribute.join(', ')}`,
                attributes: spans.attribute,
                hit: oneOf(spans.hit),
                miss: oneOf(spans.miss),
                ...defined({ cacheName: name, system }),
              },
            ],
      ),
      ...knownCacheConventions.spans,
    ],
  };
};

const inWords = ({ name, system, metrics = {}, spans }: Declared): string => {
  const told = Object.entries(metrics).map(([fact, names]) => `${fact} ${names?.join(' ')}`);
  const said = spans && [
    `${spans.attribute.join(' ')} hit ${spans.hit.join(' ')} miss ${spans.miss.join(' ')}`,
  ];
  return `${name ?? 'unnamed'}${system === undefined ? '' : ` (${system})`}: ${[...told, ...(said ?? [])].join(', ')}`;
};

const metricsOf = ({ name, system, metrics = {} }: Declared): readonly CacheMetricConvention[] =>
  Object.entries(facts).flatMap(([key, tells]) =>
    (metrics[key as keyof typeof facts] ?? []).map((metric) => ({
      title: `declared: ${name ?? metric}`,
      metric: escaped(foldMetricName(metric)),
      when: [],
      tells,
      certain: true,
      ...defined({ cacheName: name, system }),
    })),
  );

const latenciesOf = ({ name, system, metrics = {} }: Declared): readonly CacheLatencyConvention[] =>
  Object.entries(durations).flatMap(([key, operation]) =>
    (metrics[key as keyof typeof durations] ?? []).map((metric) => ({
      title: `declared: ${name ?? metric}`,
      metric: escaped(foldMetricName(metric)),
      when: [],
      ...defined({ operation, cacheName: name, system }),
    })),
  );

const oneOf = (values: readonly string[]): string =>
  `^(${values.map((it) => escaped(it.toLowerCase())).join('|')})$`;

const escaped = (text: string): string => text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
