import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import { keyHash } from '../lib/key-hash.ts';
import type { Meter } from '../lib/meter.ts';
import type { AccessKey, Admit, Grant, keyFaultStatus, Scope } from '../model/access.ts';
import { type Bucket, createBucket } from './bucket.ts';
import { shownKey } from './shown-key.ts';

export interface KeyringOptions {
  readonly keys: readonly AccessKey[];
  readonly clock: Clock;
  readonly meter: Meter;
}

export interface Keyring {
  /** Whether a key has to be shown: not while none of this scope is configured. */
  readonly demands: (scope: Scope) => boolean;
  readonly admit: (scope: Scope) => Admit;
  /** From now on these keys hold. One that stays keeps what its limits have counted. */
  readonly reload: (keys: readonly AccessKey[]) => void;
}

/** The keys that open something here, and what each may still use. */
export const createKeyring = ({ keys, clock, meter }: KeyringOptions): Keyring => {
  let held = keys.map((it) => cut(it, clock));
  const instruments = createInstruments(meter, () => held, clock);

  const demands = (scope: Scope): boolean => held.some(({ key }) => key.scopes.includes(scope));

  const admit = (scope: Scope, authorization: string | undefined): Grant => {
    if (!demands(scope)) return open;
    const shown = shownKey(authorization);
    if (shown === undefined) {
      throw refused('ERR_KEY_MISSING', 'a key is needed here: send Authorization: Bearer <key>');
    }
    const found = find(held, shown);
    if (!found)
      throw refused('ERR_KEY_UNKNOWN', 'the key in the Authorization header is not known');
    const { name, expiresAtMs, scopes } = found.key;
    if (expiresAtMs !== undefined && clock.nowMs() >= expiresAtMs) {
      const when = new Date(expiresAtMs).toISOString();
      throw refused('ERR_KEY_EXPIRED', `the key ${name} expired at ${when}`);
    }
    if (!scopes.includes(scope)) {
      throw refused(
        'ERR_KEY_SCOPE',
        `the key ${name} is for ${scopes.join(', ')}, not for ${scope}`,
      );
    }
    refuseBeyondLimits(found);
    found.requests?.take(1);
    return {
      key: name,
      attributes: found.key.attributes,
      bytesTaken: (bytes) => {
        found.bytes?.take(bytes);
        instruments.bytes(bytes, { key: name });
      },
      itemsTaken: (items) => {
        found.items?.take(items);
        instruments.items(items, { key: name });
      },
    };
  };

  return {
    demands,
    admit: (scope) => (authorization) => {
      const grant = admit(scope, authorization);
      if (grant.key !== undefined) instruments.requests(1, { key: grant.key, scope });
      return grant;
    },
    reload: (next) => {
      const before = new Map(held.map((it) => [it.key.hash, it]));
      held = next.map((it) => cut(it, clock, before.get(it.hash)));
    },
  };
};

/** A key with its counters. */
interface Held {
  readonly key: AccessKey;
  readonly digest: Uint8Array;
  readonly requests: Bucket | undefined;
  readonly bytes: Bucket | undefined;
  readonly items: Bucket | undefined;
}

const cut = (key: AccessKey, clock: Clock, before?: Held): Held => {
  const bucket = (perSecond: number | undefined, kept: Bucket | undefined): Bucket | undefined => {
    if (perSecond === undefined) return undefined;
    return kept?.perSecond === perSecond ? kept : createBucket(perSecond, clock);
  };
  const { requestsPerSecond, bytesPerSecond, itemsPerSecond } = key.limits;
  return {
    key,
    digest: Buffer.from(key.hash, 'hex'),
    requests: bucket(requestsPerSecond, before?.requests),
    bytes: bucket(bytesPerSecond, before?.bytes),
    items: bucket(itemsPerSecond, before?.items),
  };
};

/** Compares with every key to the end, whatever was found, so that the time says nothing. */
const find = (all: readonly Held[], shown: string): Held | undefined => {
  const digest = Buffer.from(keyHash(shown), 'hex');
  let found: Held | undefined;
  for (const it of all) if (timingSafeEqual(it.digest, digest)) found = it;
  return found;
};

const refuseBeyondLimits = ({ key, requests, bytes, items }: Held): void => {
  for (const [bucket, what] of [
    [requests, 'requests'],
    [bytes, 'bytes'],
    [items, 'items'],
  ] as const) {
    const retryAfterMs = bucket?.waitMs() ?? 0;
    if (bucket === undefined || retryAfterMs === 0) continue;
    const message = `the key ${key.name} may send ${bucket.perSecond} ${what} per second; send it again later`;
    throw new Fault('ERR_KEY_LIMIT', message, { remedy: 'retry', retryAfterMs });
  }
};

const open: Grant = {
  key: undefined,
  attributes: {},
  bytesTaken: () => {},
  itemsTaken: () => {},
};

const refused = (code: keyof typeof keyFaultStatus, message: string): Fault =>
  new Fault(code, message, { remedy: 'reject' });

/** By name of the key, of which there are as many as somebody has written down. */
const createInstruments = (meter: Meter, held: () => readonly Held[], clock: Clock) => {
  meter.gauge(
    'tocsin_access_key_lifetime',
    { description: 'Time until a key expires, for keys that do; negative afterwards', unit: 's' },
    () =>
      held().flatMap(({ key: { name, expiresAtMs } }) =>
        expiresAtMs === undefined
          ? []
          : [{ value: (expiresAtMs - clock.nowMs()) / 1_000, attributes: { key: name } }],
      ),
  );
  return {
    requests: meter.counter('tocsin_access_requests_admitted', {
      description: 'Requests let in with a key',
      unit: '{request}',
    }),
    bytes: meter.counter('tocsin_access_body_taken', {
      description: 'Bytes of OTLP request bodies after decompression that came with a key',
      unit: 'By',
    }),
    items: meter.counter('tocsin_access_items_taken', {
      description:
        'Spans, data points and log records that came with a key, rejected ones included',
      unit: '{item}',
    }),
  };
};
