import { z } from '../lib/document.ts';

const cachesMax = 100;
const namesMax = 100;
const charsMax = 200;

const name = z.string().min(1).max(charsMax);
const names = z.union([name.transform((it) => [it]), z.array(name).min(1).max(namesMax)]);
const values = z.union([
  z.union([z.string(), z.boolean(), z.number()]).transform((it) => [String(it)]),
  z
    .array(z.union([z.string(), z.boolean(), z.number()]).transform(String))
    .min(1)
    .max(namesMax),
]);

/**
 * Names of metrics: sums for what is counted, gauges or up-down sums for memory (bytes) and entries,
 * histograms for durations, of operations that an attribute names or of gets and sets alone.
 */
const metrics = z
  .strictObject({
    hits: names.optional(),
    misses: names.optional(),
    gets: names.optional(),
    sets: names.optional(),
    deletes: names.optional(),
    operations: names.optional(),
    evictions: names.optional(),
    memory: names.optional(),
    entries: names.optional(),
    durations: names.optional(),
    get_durations: names.optional(),
    set_durations: names.optional(),
  })
  .refine((it) => Object.values(it).some((found) => found !== undefined), {
    error: 'expected the name of a metric, such as hits: session.lookups.found',
  });

const spans = z
  .strictObject({ attribute: names, hit: values.prefault(true), miss: values.prefault(false) })
  .refine(({ hit, miss }) => !hit.some((it) => miss.includes(it)), {
    path: ['miss'],
    error: 'the same value cannot say hit and miss',
  });

const declared = z
  .strictObject({
    name: name.optional(),
    system: name.optional(),
    metrics: metrics.optional(),
    spans: spans.optional(),
  })
  .refine((it) => it.metrics !== undefined || it.spans !== undefined, {
    error: 'expected metrics or spans that tell of the cache',
  });

/** Caches that tell in ways of their own: `ingest.caches`. */
export const declaredCaches = z.array(declared).max(cachesMax);
