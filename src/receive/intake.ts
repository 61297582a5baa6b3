import { Fault } from '../lib/fault.ts';
import { createQuietLog } from '../lib/quiet-log.ts';
import { noopTracer } from '../lib/tracer.ts';
import type { Grant } from '../model/access.ts';
import type { Acceptance, Coding, Encoding, Rejection, Signal } from '../model/ingest.ts';
import type { Reject } from '../model/rejects.ts';
import { createByteBudget, type Hold } from './budget.ts';
import { createInstruments, type Instruments, type Transport } from './instruments.ts';
import type { OtlpServerOptions } from './otlp-server.ts';
import { type Refusal, refusalOf } from './refusal.ts';

/** `over-share`: others need the room more. */
type ConnectionRefusal = 'too-many' | 'over-share' | 'broken' | 'tls';

/** What stands between a transport and ingest: bounds, accounts, and the end of it all. */
export interface Intake {
  readonly instruments: Instruments;
  readonly stopping: () => boolean;
  /** Counts and logs a connection that was given up. */
  readonly connectionRefused: (reason: ConnectionRefusal, message: string) => void;
  /** Begins a request of the peer with that address; it must be ended. */
  readonly open: (peer: string) => Exchange;
  /** Refuses requests from now on and resolves when none is under way, or after `drainMsMax`. */
  readonly drain: () => Promise<void>;
}

/** A whole body as it came over the wire. */
export interface WireRequest {
  readonly signal: Signal;
  readonly encoding: Encoding;
  readonly coding: Coding;
  readonly wire: Uint8Array;
}

/** Who is on the other side, as far as its certificate says; asked only for the log. */
export type Sender = () => string | undefined;

/** One request from its headers to its end. */
export interface Exchange {
  readonly id: string;
  readonly hold: Hold;
  /** Throws the Fault for which no request is read now: stopping, or too many under way. */
  readonly admit: (announcedBytes: number) => void;
  readonly understood: (signal: Signal | 'none', encoding: Encoding | 'none') => void;
  /** Throws the Fault for which this sender's request is not read. */
  readonly authorize: (authorization: string | undefined, sender: Sender) => void;
  /** Hands over; resolves when every accepted item is somebody else's. */
  readonly take: (request: WireRequest) => Promise<Acceptance>;
  /** Logs and counts a failure and says how to answer it. */
  readonly refuse: (error: unknown) => Refusal;
  /** Counts the answer: the HTTP status, the gRPC code, or `gone`. Only the first one counts. */
  readonly answered: (status: string) => void;
  readonly isAnswered: () => boolean;
  /** Gives back what is held. Call when nothing of the request is under way any more. */
  readonly end: () => void;
}

const logEveryMs = 10_000;

export const createIntake = (
  options: OtlpServerOptions,
  transport: Transport,
  connections: () => number,
): Intake => {
  const { clock, limits, tracer = noopTracer } = options;
  const log = options.log.child({ part: 'receive', transport });
  const quietLog = createQuietLog(clock, log, logEveryMs);
  const budget = options.budget ?? createByteBudget(limits.heldBytesMax, clock);
  const startedAt = clock.nowMs().toString(36);
  const idle = Promise.withResolvers<void>();
  let sequence = 0;
  let open = 0;
  let stopping = false;

  const instruments = createInstruments(options.meter, transport, {
    budget,
    requests: () => open,
    connections,
  });

  const openExchange = (peer: string): Exchange => {
    sequence += 1;
    open += 1;
    const id = `${transport}-${startedAt}-${sequence.toString(36)}`;
    const startedMs = clock.monotonicMs();
    const hold = budget.open(peer);
    let account = peer;
    let kind: { signal: Signal | 'none'; encoding: Encoding | 'none' } = {
      signal: 'none',
      encoding: 'none',
    };
    let grant: Grant | undefined;
    let sender: Sender = () => undefined;
    let wireBytes = 0;
    let counted = false;
    let ended = false;

    const handOver = async ({
      signal,
      encoding,
      coding,
      wire,
    }: WireRequest): Promise<Acceptance> => {
      // No bytes are an empty protobuf message: nothing to take, and the answer is success.
      if (wire.length === 0 && encoding === 'protobuf') return nothing;
      const attributes = {
        'tocsin.signal': signal,
        'tocsin.request_id': id,
        'tocsin.bytes': wire.length,
      };
      const resourceAttributes = grant?.attributes ?? {};
      const coded = coding !== 'identity' && wire.length > 0 && { coding };
      const labelled = Object.keys(resourceAttributes).length > 0 && { resourceAttributes };
      return tracer.span('receive', attributes, () =>
        options.ingest({ signal, encoding, body: wire, sender: account, ...coded, ...labelled }),
      );
    };

    const take = async (request: WireRequest): Promise<Acceptance> => {
      let stored = false;
      wireBytes = request.wire.length;
      let plainBytes = wireBytes;
      instruments.bytesReceived(kind, 'wire', wireBytes);
      try {
        const acceptance = await handOver(request);
        stored = true;
        plainBytes = acceptance.plainBytes ?? wireBytes;
        instruments.bytesReceived(kind, 'plain', plainBytes);
        instruments.itemsTaken(request.signal, acceptance);
        for (const rejection of acceptance.rejections ?? []) reportReject('item', rejection);
        grant?.itemsTaken(acceptance.accepted + acceptance.rejected);
        return acceptance;
      } finally {
        grant?.bytesTaken(plainBytes);
        hold.giveAll(stored);
      }
    };

    const reportReject = (unit: Reject['unit'], rejection: Rejection): void => {
      const { signal, encoding } = kind;
      const key = grant?.key ?? '';
      const what = { ...rejection, unit, signal, encoding, requestBytes: wireBytes };
      options.rejected?.({ ...what, transport, peer, key });
    };

    const refuse = (error: unknown): Refusal => {
      const refusal = refusalOf(error, id, limits.retryAfterMs);
      const client = sender();
      const fields = {
        request_id: id,
        signal: kind.signal,
        encoding: kind.encoding,
        ...(grant?.key !== undefined && { key: grant.key }),
        ...(client !== undefined && { client }),
      };
      instruments.refused(kind, refusal.code);
      if (refusal.code === 'ERR_INTERNAL') log.error('request_failed', { ...fields, error });
      else quietLog.warn('request_refused', refusal.code, { ...fields, message: refusal.message });
      if (refusal.retryAfterMs === undefined) reportReject('request', wholeRequest(refusal));
      return refusal;
    };

    const answered = (status: string): void => {
      if (counted) return;
      counted = true;
      instruments.answered(kind, status, (clock.monotonicMs() - startedMs) / 1000);
    };

    const end = (): void => {
      if (ended) return;
      ended = true;
      answered('gone');
      hold.end();
      open -= 1;
      if (stopping && open === 0) idle.resolve();
    };

    const understood = (signal: Signal | 'none', encoding: Encoding | 'none'): void => {
      kind = { signal, encoding };
    };
    const authorize = (authorization: string | undefined, from: Sender): void => {
      sender = from;
      grant = options.admit?.(authorization);
      // Many hosts may send with one key, and many keys may come from one host.
      if (grant?.key === undefined) return;
      account = `key ${grant.key}`;
      hold.belongTo(account);
    };
    const admit = (announcedBytes: number): void => {
      if (stopping) throw stoppingFault();
      hold.checkRequests(open, limits.requestsMax);
      hold.check(announcedBytes);
    };
    const isAnswered = (): boolean => counted;
    return { id, hold, admit, understood, authorize, take, refuse, answered, isAnswered, end };
  };

  const drain = async (): Promise<void> => {
    stopping = true;
    if (open === 0) return;
    const deadline = new AbortController();
    const late = clock.sleep(limits.drainMsMax, deadline.signal);
    await Promise.race([idle.promise, late]);
    deadline.abort();
    if (open > 0) log.warn('requests_abandoned', { requests: open, drain_ms: limits.drainMsMax });
  };

  const connectionRefused = (reason: ConnectionRefusal, message: string): void => {
    instruments.connectionRefused(reason);
    quietLog.warn('connection_refused', reason, { message });
  };

  return { instruments, connectionRefused, stopping: () => stopping, open: openExchange, drain };
};

const nothing: Acceptance = { accepted: 0, rejected: 0, message: '' };

/** How many items were in it nobody knows. */
const wholeRequest = ({ code, message }: Refusal): Rejection => ({
  code,
  reason: message,
  count: 1,
  sample: '',
  serviceName: '',
});

const stoppingFault = (): Fault =>
  new Fault('ERR_RECEIVE_STOPPING', 'this server is stopping; send it again', { remedy: 'retry' });
