import type { Random } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { Fault } from '../lib/fault.ts';
import type { Redis } from '../lib/redis.ts';
import { redisKeys } from '../model/keys.ts';
import type { Matcher } from '../model/matcher.ts';
import { compilePattern } from '../model/matcher-syntax.ts';
import type { Silence } from '../model/suppression.ts';
import { answered } from './answered.ts';

export interface NewSilence {
  readonly matchers: readonly Matcher[];
  /** Now, when absent. */
  readonly startsAtMs?: number;
  readonly endsAtMs: number;
  readonly by: string;
  readonly comment: string;
}

export interface Silences {
  /** Rejects with a Fault ERR_SILENCE (`reject`) that says what is wrong. */
  readonly add: (silence: NewSilence) => Promise<Silence>;
  /** Ended ones too, until they are forgotten after five days; newest first. */
  readonly list: () => Promise<readonly Silence[]>;
  readonly get: (id: string) => Promise<Silence | undefined>;
  /** Ends it now. Rejects with a Fault ERR_SILENCE_UNKNOWN (`reject`). Harmless when it has ended. */
  readonly expire: (id: string) => Promise<Silence>;
  /** Forgets those that ended long ago. */
  readonly sweep: () => Promise<void>;
}

const silencesMax = 5_000;
const textCharsMax = 1_000;
/** As long as Alertmanager keeps them. */
const endedKeptMs = 5 * 86_400_000;

export interface SilencesOptions {
  readonly redis: Redis;
  readonly clock: Clock;
  readonly random: Random;
  /** Called after every change, so that what a silence held is told without delay. */
  readonly changed: () => void;
}

export const createSilences = ({ redis, clock, random, changed }: SilencesOptions): Silences => {
  const list = async (): Promise<readonly Silence[]> => {
    const texts = await answered(redis.hvals(redisKeys.silences));
    return texts
      .map((it) => JSON.parse(it) as Silence)
      .toSorted((a, b) => b.updatedAtMs - a.updatedAtMs || (a.id < b.id ? -1 : 1));
  };
  const get = async (id: string): Promise<Silence | undefined> => {
    const text = await answered(redis.hget(redisKeys.silences, id));
    return text === null ? undefined : (JSON.parse(text) as Silence);
  };
  const put = async (silence: Silence): Promise<Silence> => {
    await answered(redis.hset(redisKeys.silences, silence.id, JSON.stringify(silence)));
    changed();
    return silence;
  };

  return {
    list,
    get,
    add: async ({ startsAtMs, ...silence }) => {
      const nowMs = clock.nowMs();
      const full = { ...silence, startsAtMs: startsAtMs ?? nowMs };
      const problem = problemOf(full, nowMs);
      if (problem !== undefined) throw refusal(problem);
      if ((await answered(redis.hlen(redisKeys.silences))) >= silencesMax) {
        throw refusal(`there are ${silencesMax} silences; expire some`);
      }
      return put({ id: newId(random), ...full, updatedAtMs: nowMs });
    },
    expire: async (id) => {
      const silence = await get(id);
      if (!silence) {
        throw new Fault('ERR_SILENCE_UNKNOWN', `there is no silence ${id}`, { remedy: 'reject' });
      }
      const nowMs = clock.nowMs();
      if (silence.endsAtMs <= nowMs) return silence;
      const startsAtMs = Math.min(silence.startsAtMs, nowMs);
      return put({ ...silence, startsAtMs, endsAtMs: nowMs, updatedAtMs: nowMs });
    },
    sweep: async () => {
      const nowMs = clock.nowMs();
      const old = (await list()).filter((it) => it.endsAtMs + endedKeptMs < nowMs);
      if (old.length > 0) await redis.hdel(redisKeys.silences, ...old.map((it) => it.id));
    },
  };
};

const refusal = (message: string): Fault => new Fault('ERR_SILENCE', message, { remedy: 'reject' });

const problemOf = (silence: Omit<Silence, 'id' | 'updatedAtMs'>, nowMs: number) => {
  const { matchers, startsAtMs, endsAtMs, by, comment } = silence;
  if (matchers.length === 0) return 'a silence needs at least one matcher';
  if (matchers.every(matchesNothing)) {
    return 'a silence needs a matcher that does not match an absent label: it would hold every alert';
  }
  if (endsAtMs <= startsAtMs) return 'a silence must end after it starts';
  if (endsAtMs <= nowMs) return 'a silence must end in the future';
  if (by.trim() === '') return 'a silence needs the name of whoever sets it';
  if (by.length + comment.length > textCharsMax) return `longer than ${textCharsMax} characters`;
  return undefined;
};

/** Whether an alert without the label matches: true of `a!=b`, `a=""` and `a=~".*"`. */
const matchesNothing = ({ operator, value }: Matcher): boolean => {
  const equal = operator.endsWith('~') ? compilePattern(value)?.test('') === true : value === '';
  return operator.startsWith('!') ? !equal : equal;
};

/** Of the shape of a UUID, as clients of Alertmanager expect; it names, it does not protect. */
const newId = (random: Random): string =>
  'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replaceAll('x', () =>
    Math.floor(random() * 16).toString(16),
  );
