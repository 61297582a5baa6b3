import type { Store } from '../../src/store/client.ts';

export interface SentSpan {
  /** `2026-11-20 10:00:00.5`, UTC. */
  readonly at: string;
  readonly service: string;
  /** 1 ms unless told. */
  readonly durationNs?: number;
  readonly kind?: string;
  readonly name?: string;
  readonly status?: string;
  readonly weight?: number;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Types of exceptions. */
  readonly exceptions?: readonly string[];
}

/** Stores hand-made spans, each call as a block of its own unless its token is known already. */
export const spanSender = (store: Pick<Store, 'insertRows'>) => {
  let blocks = 0;
  return (spans: readonly SentSpan[], token = `block-${(blocks += 1)}`): Promise<void> =>
    store.insertRows(
      'otel_traces',
      spans.map((it) => ({
        Timestamp: it.at,
        TraceId: 'a'.repeat(32),
        ServiceName: it.service,
        SpanName: it.name ?? 'GET /pay',
        SpanKind: it.kind ?? 'Server',
        StatusCode: it.status ?? 'Unset',
        Duration: it.durationNs ?? 1_000_000,
        AdjustedCount: it.weight ?? 1,
        SpanAttributes: it.attributes ?? {},
        'Events.Timestamp': (it.exceptions ?? []).map(() => it.at),
        'Events.Name': (it.exceptions ?? []).map(() => 'exception'),
        'Events.Attributes': (it.exceptions ?? []).map((type) => ({ 'exception.type': type })),
      })),
      token,
    );
};
