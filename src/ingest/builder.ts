import { createColumnBuilder } from '../decode/builder.ts';
import type { Tally } from '../decode/builder-options.ts';
import type { Clock } from '../lib/clock.ts';
import type { Meter } from '../lib/meter.ts';
import type { ColumnBuilder } from '../model/block.ts';
import type { Signal } from '../model/ingest.ts';
import type { RedactRule } from '../model/redaction.ts';
import type { SampleRule } from '../model/sampling.ts';
import type { SharedSeries } from '../model/series.ts';

/** What is done to telemetry on its way into columns. Plain data: it crosses threads. */
export interface IngestRules {
  readonly redact: readonly RedactRule[];
  readonly sample: readonly SampleRule[];
}

export interface IngestBuilderOptions {
  readonly rules: IngestRules;
  readonly series?: SharedSeries | undefined;
  readonly clock: Clock;
  readonly meter: Meter;
}

/**
 * Columns of one signal, filled by the rules, whose deeds are counted. For requests that come in: what
 * is decoded again, such as from a journal, was counted then.
 */
export const createIngestBuilder = (
  signal: Signal,
  { rules, series, clock, meter }: IngestBuilderOptions,
): ColumnBuilder => {
  const walks = meter.counter('tocsin_decode_requests_walked', {
    description:
      'Requests of spans by what walked them: machine (code), both (the machine left it), typescript (the machine was not asked), trapped (the machine made a mistake and is not asked any more)',
    unit: '{request}',
  });
  const walked = (walker: string): void => walks(1, { walker });
  const builder = createColumnBuilder(signal, { nowMs: clock.nowMs, ...rules, series, walked });
  if (rules.redact.length + rules.sample.length === 0) return builder;
  const count = countDeeds(signal, rules, meter);
  return {
    ...builder,
    append: (encoding, body) => {
      const acceptance = builder.append(encoding, body);
      count(builder.takeTally());
      return acceptance;
    },
  };
};

/** Counts what rules did. */
export const countDeeds = (
  signal: Signal,
  rules: IngestRules,
  meter: Meter,
): ((tally: Tally) => void) => {
  const redacted = meter.counter('tocsin_decode_values_redacted', {
    description: 'Values that redaction rules dropped, masked or hashed, by rule',
    unit: '{value}',
  });
  const sampledOut = meter.counter('tocsin_decode_spans_sampled_out', {
    description: 'Spans that were accepted and not stored, by sampling rule',
    unit: '{span}',
  });
  return (tally) => {
    for (const [index, { name, action }] of rules.redact.entries()) {
      const count = tally.redacted[index] ?? 0;
      if (count > 0) redacted(count, { signal, rule: name, action: action.kind });
    }
    for (const [index, { name }] of rules.sample.entries()) {
      const count = tally.sampledOut[index] ?? 0;
      if (count > 0) sampledOut(count, { rule: name });
    }
  };
};
