import { Fault } from '../lib/fault.ts';
import type { Encoding } from '../model/ingest.ts';
import type { RedactRule } from '../model/redaction.ts';
import type { SampleRule } from '../model/sampling.ts';
import type { NotedTraces, RecallBuilder, TailTraces, TraceGossip } from '../model/tail.ts';
import { createColumnBuilder } from './builder.ts';
import type { Tally } from './builder-options.ts';
import { TailRules, type VerdictReason, whole } from './tail-rules.ts';
import { eachEntry, encodeSheet, Verdicts } from './tail-verdicts.ts';
import { TraceList, TraceTable, type TraceTableLimits } from './trace-table.ts';

export interface TailTracesOptions {
  readonly nowMs: () => number;
  readonly redact: readonly RedactRule[];
  readonly sample: readonly SampleRule[];
  readonly limits: TraceTableLimits;
  /** Whether other threads have spans of the same traces. */
  readonly shared: boolean;
  /** A 32-bit integer that no sender knows. */
  readonly seed: number;
  readonly count: TailCounts;
}

/** Told of what happens, for metrics. */
export interface TailCounts {
  /** What rules did to a request that came in. */
  readonly noted: (tally: Tally) => void;
  readonly decided: (reason: VerdictReason, trigger: string, traces: number) => void;
  /** Spans left out, by rule. */
  readonly leftOut: (byRule: readonly number[]) => void;
  /** What other threads will not know. */
  readonly unsaid: (traces: number) => void;
  /** Sheets that could not be read. */
  readonly unread: () => void;
}

export interface SharedTailTraces extends TailTraces {
  readonly gossip: TraceGossip;
  /** Traces that something is known of. */
  readonly remembered: () => number;
}

/** Columns that only show whether a request is fit to be stored are kept up to here. */
const proofRowsMax = 8_192;

/** Joins the table of traces, the verdicts and the builders that use them. Not shared between threads. */
export const createTailTraces = (options: TailTracesOptions): SharedTailTraces => {
  const { redact, sample, nowMs, seed, count } = options;
  const rules = new TailRules(sample);
  const table = new TraceTable(rules, options);
  const proof = createColumnBuilder('traces', {
    nowMs,
    redact,
    sample,
    tail: { kind: 'watch', table },
  });

  const note: TailTraces['note'] = (to, encoding, body, again) => {
    table.list = listOf(to);
    if (proof.rows() > proofRowsMax) proof.discard();
    const acceptance = appendTo(encoding, body);
    const tally = proof.takeTally();
    if (!again) count.noted(tally);
    return acceptance;
  };

  const appendTo = (encoding: Encoding, body: Uint8Array) => {
    const first = proof.append(encoding, body);
    if (first !== 'full') return first;
    proof.discard();
    const second = proof.append(encoding, body);
    if (second !== 'full') return second;
    throw new Fault('ERR_OTLP_TOO_LARGE', `${body.length} bytes do not fit into an empty block`, {
      remedy: 'reject',
    });
  };

  const decide: TailTraces['decide'] = (noted, trigger) => {
    const { traces, ids } = listOf(noted);
    const unusual = {
      count: 0,
      ids: new Uint32Array(ids.length),
      verdicts: new Uint8Array(traces),
    };
    const reasons = new Map<VerdictReason, number>();
    for (let index = 0; index < traces; index += 1) {
      const at = index * 4;
      const [a, b, c, d] = [ids[at] ?? 0, ids[at + 1] ?? 0, ids[at + 2] ?? 0, ids[at + 3] ?? 0];
      const verdict = table.decide(a, b, c, d, (facts) => {
        const judged = rules.judge(facts);
        reasons.set(judged.reason, (reasons.get(judged.reason) ?? 0) + 1);
        return judged.verdict;
      });
      if (verdict === rules.usualVerdict) continue;
      unusual.ids.set([a, b, c, d], unusual.count * 4);
      unusual.verdicts[unusual.count] = verdict;
      unusual.count += 1;
    }
    for (const [reason, decided] of reasons) count.decided(reason, trigger, decided);
    return encodeSheet(rules.usualVerdict, rules.shares, unusual);
  };

  const createBuilder = (): RecallBuilder => {
    const verdicts = new Verdicts(seed);
    const builder = createColumnBuilder('traces', {
      nowMs,
      redact,
      sample,
      tail: { kind: 'recall', verdicts },
    });
    return {
      append: builder.append,
      rows: builder.rows,
      bytes: builder.bytes,
      finish: builder.finish,
      discard: builder.discard,
      recall: (sheets) => {
        if (!verdicts.load(sheets)) count.unread();
      },
      settle: (how) => {
        const { sampledOut } = builder.takeTally();
        if (how === 'count') count.leftOut(sampledOut);
      },
    };
  };

  return {
    open: () => table.begin(),
    note,
    isCrowded: (noted) => table.isCrowded(listOf(noted)),
    decide,
    restore: (sheets) => {
      eachEntry(
        sheets,
        () => {},
        (a, b, c, d, verdict) => {
          // Numbers of rules may mean others now; what was kept whole stays so.
          if (verdict === whole) table.keep(a, b, c, d);
        },
      );
    },
    createBuilder,
    gossip: {
      take: () => {
        const { news, unsaid } = table.takeNews();
        if (unsaid > 0) count.unsaid(unsaid);
        return news && new Uint8Array(news.buffer);
      },
      all: () => new Uint8Array(table.allNews().buffer),
      hear: (told) => {
        const { buffer, byteOffset, byteLength } = told;
        table.hear(new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength)));
      },
    },
    remembered: () => table.size,
  };
};

const listOf = (noted: NotedTraces): TraceList => {
  if (noted instanceof TraceList) return noted;
  throw new TypeError('a list of traces that was not made here');
};
