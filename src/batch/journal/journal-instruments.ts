import { type Meter, secondsBounds } from '../../lib/meter.ts';

interface Levels {
  readonly bytes: () => number;
  readonly bytesMax: number;
  readonly segments: () => number;
  readonly pendingRequests: () => number;
  readonly waitingBytes: () => number;
  readonly remembered: () => number;
  /** 1 while the disk takes requests. */
  readonly writable: () => number;
}

/** Every metric of a journal, in one place. */
export const journalInstruments = (meter: Meter, levels: Levels) => {
  const gauge = (name: `tocsin_${string}`, description: string, unit: string, of: () => number) =>
    meter.gauge(name, { description, unit }, () => of());
  gauge('tocsin_journal_bytes_held', 'Bytes in segments on disk', 'By', levels.bytes);
  gauge(
    'tocsin_journal_bytes_limit',
    'Beyond it requests are refused',
    'By',
    () => levels.bytesMax,
  );
  gauge('tocsin_journal_segments_held', 'Segment files', '{segment}', levels.segments);
  gauge(
    'tocsin_journal_requests_held',
    'Requests acknowledged and not stored yet',
    '{request}',
    levels.pendingRequests,
  );
  gauge('tocsin_journal_bytes_waiting', 'Bytes that wait to be written', 'By', levels.waitingBytes);
  gauge(
    'tocsin_journal_requests_remembered',
    'Acknowledged requests that a repetition would be recognised by',
    '{request}',
    levels.remembered,
  );
  gauge(
    'tocsin_journal_disk_writable',
    '1 while the disk takes requests, else 0',
    '1',
    levels.writable,
  );
  const counter = (name: `tocsin_${string}`, description: string, unit: string) =>
    meter.counter(name, { description, unit });
  const histogram = (name: `tocsin_${string}`, description: string) =>
    meter.histogram(name, { description, unit: 's', bounds: secondsBounds });
  const written = counter('tocsin_journal_requests_written', 'Requests written', '{request}');
  const writtenBytes = counter('tocsin_journal_bytes_written', 'Bytes written', 'By');
  const refused = counter(
    'tocsin_journal_requests_refused',
    'Requests refused, by error code',
    '{request}',
  );
  const repeated = counter(
    'tocsin_journal_requests_repeated',
    'Requests answered as before and not stored again',
    '{request}',
  );
  const diskFailures = counter(
    'tocsin_journal_disk_failures',
    'Failed writes and syncs, by error of the system',
    '{failure}',
  );
  const damagedBytes = counter(
    'tocsin_journal_bytes_damaged',
    'Bytes that could not be trusted when they were read again',
    'By',
  );
  const tornBytes = counter(
    'tocsin_journal_bytes_torn',
    'Bytes at the end of the journal that were cut short before anybody was told that they are safe',
    'By',
  );
  const lost = counter(
    'tocsin_journal_requests_lost',
    'Acknowledged requests that could not be read again',
    '{request}',
  );
  const setAside = counter(
    'tocsin_journal_requests_rejected',
    'Acknowledged requests set aside because they cannot be stored',
    '{request}',
  );
  const asideRefused = counter(
    'tocsin_journal_aside_refused',
    'Batches and damaged segments not set aside because too much is, by folder',
    '{file}',
  );
  const syncs = histogram('tocsin_journal_sync_duration', 'Time of one sync to disk');
  const waits = histogram(
    'tocsin_journal_append_duration',
    'Time from a request to its acknowledgement',
  );
  return {
    group: (requests: number, bytes: number) => {
      written(requests);
      writtenBytes(bytes);
    },
    refused: (code: string) => refused(1, { code }),
    repeated: () => repeated(1),
    diskFailed: (error: string) => diskFailures(1, { error }),
    damaged: (bytes: number) => damagedBytes(bytes),
    torn: (bytes: number) => tornBytes(bytes),
    lost: (requests: number) => lost(requests),
    setAside: (requests: number) => setAside(requests),
    asideRefused: (folder: string) => asideRefused(1, { folder }),
    synced: (seconds: number) => syncs(seconds),
    appended: (seconds: number) => waits(seconds),
  };
};

export type JournalInstruments = ReturnType<typeof journalInstruments>;
