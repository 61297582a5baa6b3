import { type Meter, secondsBounds } from '../lib/meter.ts';
import type { Acceptance, Encoding, Signal } from '../model/ingest.ts';
import type { ByteBudget } from './budget.ts';

export type Transport = 'http' | 'grpc';

/** What a request was, as far as it was understood when it was answered. */
export interface RequestKind {
  readonly signal: Signal | 'none';
  readonly encoding: Encoding | 'none';
}

export interface Gauges {
  readonly budget: ByteBudget;
  readonly requests: () => number;
  readonly connections: () => number;
}

/** The receiver's metrics of one transport. Every attribute has a small, closed set of values. */
export interface Instruments {
  /** `status`: the HTTP status or the gRPC code as text, `gone` when nobody was left to answer. */
  readonly answered: (kind: RequestKind, status: string, seconds: number) => void;
  readonly refused: (kind: RequestKind, code: string) => void;
  readonly bytesReceived: (kind: RequestKind, form: 'wire' | 'plain', count: number) => void;
  readonly itemsTaken: (signal: Signal, acceptance: Acceptance) => void;
  readonly connectionRefused: (reason: string) => void;
}

export const createInstruments = (
  meter: Meter,
  transport: Transport,
  { budget, requests, connections }: Gauges,
): Instruments => {
  const answered = meter.counter('tocsin_receive_requests_answered', {
    description: 'OTLP requests by the answer they got',
    unit: '{request}',
  });
  const seconds = meter.histogram('tocsin_receive_request_duration', {
    description: 'Time from the headers of an OTLP request to its answer',
    unit: 's',
    bounds: secondsBounds,
  });
  const refused = meter.counter('tocsin_receive_requests_refused', {
    description: 'OTLP requests answered with an error, by its code',
    unit: '{request}',
  });
  const bytes = meter.counter('tocsin_receive_body_received', {
    description: 'Bytes of OTLP request bodies, as sent (wire) and after decompression (plain)',
    unit: 'By',
  });
  const accepted = meter.counter('tocsin_receive_items_accepted', {
    description: 'Spans, data points and log records taken over',
    unit: '{item}',
  });
  const rejected = meter.counter('tocsin_receive_items_rejected', {
    description:
      'Spans, data points and log records refused within requests that succeeded, by reason',
    unit: '{item}',
  });
  const connectionsRefused = meter.counter('tocsin_receive_connections_refused', {
    description: 'Connections closed before a request could be read from them',
    unit: '{connection}',
  });

  const observed = (value: () => number) => () => [{ value: value(), attributes: { transport } }];
  meter.gauge(
    'tocsin_receive_requests_open',
    { description: 'OTLP requests under way', unit: '{request}' },
    observed(requests),
  );
  meter.gauge(
    'tocsin_receive_connections_open',
    { description: 'Open connections of OTLP senders', unit: '{connection}' },
    observed(connections),
  );
  meter.gauge(
    'tocsin_receive_body_held',
    { description: 'Bytes of request bodies held until they are stored', unit: 'By' },
    observed(budget.heldBytes),
  );
  meter.gauge(
    'tocsin_receive_senders_open',
    { description: 'Senders with a request under way, by key or else address', unit: '{sender}' },
    observed(budget.senders),
  );
  meter.gauge(
    'tocsin_receive_body_held_limit',
    { description: 'Where tocsin_receive_body_held makes senders back off', unit: 'By' },
    observed(() => budget.bytesMax),
  );

  return {
    answered: (kind, status, duration) => {
      answered(1, { transport, ...kind, status });
      seconds(duration, { transport, ...kind });
    },
    refused: (kind, code) => refused(1, { transport, ...kind, code }),
    bytesReceived: (kind, form, count) => bytes(count, { transport, ...kind, form }),
    itemsTaken: (signal, acceptance) => {
      if (acceptance.accepted > 0) accepted(acceptance.accepted, { transport, signal });
      const rejections = acceptance.rejections ?? [];
      for (const { code, count } of rejections) rejected(count, { transport, signal, code });
      // Whoever rejects without saying why is counted all the same.
      const unexplained = acceptance.rejected - rejections.reduce((sum, it) => sum + it.count, 0);
      if (unexplained > 0) rejected(unexplained, { transport, signal, code: 'unexplained' });
    },
    connectionRefused: (reason) => connectionsRefused(1, { transport, reason }),
  };
};
