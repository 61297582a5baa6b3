import type { Store } from '../../src/store/client.ts';

export interface Traced {
  /** Clock time on the day of these tests, such as `10:00:59.9`. */
  readonly at: string;
  readonly service: string;
  readonly kind: 'Client' | 'Server' | 'Producer' | 'Consumer' | 'Internal';
  readonly id: string;
  /** Id of another trace than that of the block. */
  readonly trace?: string;
  /** Service and kind unless told. */
  readonly name?: string;
  readonly parent?: string;
  /** Milliseconds. */
  readonly took?: number;
  readonly failed?: boolean;
  readonly count?: number;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly resource?: Readonly<Record<string, string>>;
  /** Ids of spans. */
  readonly links?: readonly string[];
}

const day = '2026-01-15';

/** Milliseconds since 1970 of a clock time on the day of these tests. */
export const atMs = (time: string): number => Date.parse(`${day}T${time}Z`);

/** Stores hand-made spans of one trace as one block. */
export const storeSpans = (store: Store, trace: string, spans: readonly Traced[]): Promise<void> =>
  store.insertRows(
    'otel_traces',
    spans.map((it) => ({
      Timestamp: `${day}T${it.at}Z`,
      TraceId: it.trace ?? trace,
      SpanId: it.id,
      ParentSpanId: it.parent ?? '',
      SpanName: it.name ?? `${it.service} ${it.kind}`,
      SpanKind: it.kind,
      ServiceName: it.service,
      Duration: (it.took ?? 100) * 1_000_000,
      StatusCode: it.failed ? 'Error' : 'Unset',
      AdjustedCount: it.count ?? 1,
      SpanAttributes: it.attributes ?? {},
      ResourceAttributes: it.resource ?? {},
      'Links.TraceId': (it.links ?? []).map(() => trace),
      'Links.SpanId': it.links ?? [],
      'Links.TraceState': (it.links ?? []).map(() => ''),
      'Links.Attributes': (it.links ?? []).map(() => ({})),
    })),
    `${trace}-${spans.map((it) => it.id).join('-')}`,
  );
