import type { Meter } from '../lib/meter.ts';
import type { IngestThread, ThreadEnd } from './thread.ts';

interface Place {
  readonly index: number;
  readonly thread: IngestThread | undefined;
}

/** Every metric of the pool itself; what happens in the workers has the names it has without them. */
export const poolInstruments = (meter: Meter, places: readonly Place[]) => {
  const observed = (value: (thread: IngestThread) => number) => () =>
    places.flatMap(({ index, thread }) =>
      thread ? [{ value: value(thread), attributes: { worker: index } }] : [],
    );
  meter.gauge(
    'tocsin_ingest_workers_running',
    { description: 'Threads that decode, batch and store', unit: '{thread}' },
    () => places.filter(({ thread }) => thread !== undefined).length,
  );
  meter.gauge(
    'tocsin_ingest_body_outstanding',
    { description: 'Bytes of requests that a worker has not answered', unit: 'By' },
    observed((thread) => thread.bytes()),
  );
  meter.gauge(
    'tocsin_ingest_requests_outstanding',
    { description: 'Requests that a worker has not answered', unit: '{request}' },
    observed((thread) => thread.requests()),
  );
  meter.gauge(
    'tocsin_ingest_worker_utilization',
    { description: 'Share of time in which a worker was busy since it was last asked', unit: '1' },
    observed((thread) => thread.utilization()),
  );
  const died = meter.counter('tocsin_ingest_workers_died', {
    description: 'Worker threads that ended without being asked to, by reason',
    unit: '{thread}',
  });
  const lost = meter.counter('tocsin_ingest_requests_lost', {
    description: 'Requests whose worker ended under them; their senders were told to retry',
    unit: '{request}',
  });
  const refused = meter.counter('tocsin_ingest_requests_refused', {
    description: 'Requests that were given to no worker, by code',
    unit: '{request}',
  });
  const handedOn = meter.counter('tocsin_ingest_requests_handed_on', {
    description: 'Requests that came again and went to the worker that may have taken them before',
    unit: '{request}',
  });
  return {
    handedOn: () => handedOn(1),
    died: (worker: number, end: ThreadEnd) => {
      died(1, { worker, reason: end.reason });
      lost(end.lost, { worker });
    },
    refused: (code: string) => refused(1, { code }),
  };
};
