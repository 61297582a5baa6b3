import type { Clock } from '../lib/clock.ts';
import { z } from '../lib/document.ts';
import { parseDurationMs } from '../lib/duration.ts';
import { Fault } from '../lib/fault.ts';
import type { Matcher } from '../model/matcher.ts';
import { compilePattern, formatMatcher } from '../model/matcher-syntax.ts';
import type { Silence } from '../model/suppression.ts';
import { iso, parsed } from './alert-endpoints.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import type { ConsolePorts } from './ports.ts';
import { duration, matcher, person, silence, time } from './shapes.ts';

const draft = z
  .strictObject({
    matchers: z.array(matcher).min(1).max(50),
    duration: duration.optional().meta({ description: 'From its start; or give ends_at.' }),
    starts_at: time.optional().meta({ description: 'Now unless given.' }),
    ends_at: time.optional(),
    by: person,
    comment: z.string().max(2_000).default(''),
  })
  .refine((it) => (it.duration === undefined) !== (it.ends_at === undefined), {
    path: ['duration'],
    error: 'give either duration or ends_at',
  })
  .refine(({ matchers }) => !holdAlways(parsed(matchers), matchers.length), {
    path: ['matchers'],
    error: 'at least one matcher must not match the empty text, or everything would be silenced',
  });

/** Silences: alerts that match tell nobody while one is active. */
export const silenceEndpoints = ({ silences }: ConsolePorts, clock: Clock): readonly Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/api/v1/silences',
    summary: 'Silences: pending, active and those that ended of late',
    answer: z.object({ silences: z.array(silence) }),
    handle: async () => ({
      silences: (await silences.list()).map((it) => silenceJson(it, clock.nowMs())),
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/silences',
    summary: 'Add a silence',
    body: draft,
    answer: z.object({ id: z.string() }),
    handle: async ({ body }) => {
      const nowMs = clock.nowMs();
      const startsAtMs = body.starts_at === undefined ? nowMs : Date.parse(body.starts_at);
      const endsAtMs =
        body.ends_at === undefined
          ? startsAtMs + (parseDurationMs(body.duration ?? '') ?? 0)
          : Date.parse(body.ends_at);
      if (endsAtMs <= Math.max(startsAtMs, nowMs)) {
        throw new Fault('ERR_SILENCE_OVER', 'this silence would end before it begins or now', {
          remedy: 'reject',
        });
      }
      const matchers = parsed(body.matchers);
      const { by, comment } = body;
      const added = await silences.add({ matchers, startsAtMs, endsAtMs, by, comment });
      return { id: added.id };
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/silences/{id}',
    summary: 'One silence',
    params: z.object({ id: z.string() }),
    answer: silence,
    refusals: { 404: 'There is no such silence.' },
    handle: async ({ params }) => {
      const found = (await silences.list()).find((it) => it.id === params.id);
      if (!found) throw unknownSilence(params.id);
      return silenceJson(found, clock.nowMs());
    },
  }),
  endpoint({
    method: 'DELETE',
    path: '/api/v1/silences/{id}',
    summary: 'End a silence now',
    params: z.object({ id: z.string() }),
    answer: z.object({ id: z.string() }),
    refusals: { 404: 'There is no such silence.' },
    handle: async ({ params }) => {
      if (!(await silences.expire(params.id))) throw unknownSilence(params.id);
      return { id: params.id };
    },
  }),
];

const unknownSilence = (id: string) =>
  new Fault('ERR_SILENCE_UNKNOWN', `there is no silence ${id}`, { remedy: 'reject' });

/** What is no matcher or not there is a mistake of its own, said once. */
const holdAlways = (matchers: readonly Matcher[], given: number): boolean =>
  given > 0 && matchers.length === given && matchers.every(matchesEmpty);

/** A label that is missing counts as empty, so such a matcher alone would hold for every alert. */
const matchesEmpty = ({ operator, value }: Matcher): boolean => {
  switch (operator) {
    case '=':
      return value === '';
    case '!=':
      return value !== '';
    case '=~':
      return compilePattern(value)?.test('') ?? false;
    case '!~':
      return !(compilePattern(value)?.test('') ?? true);
  }
};

const silenceJson = (it: Silence, nowMs: number): z.input<typeof silence> => ({
  id: it.id,
  matchers: it.matchers.map(formatMatcher),
  starts_at: iso(it.startsAtMs),
  ends_at: iso(it.endsAtMs),
  by: it.by,
  comment: it.comment,
  state: nowMs >= it.endsAtMs ? 'expired' : nowMs < it.startsAtMs ? 'pending' : 'active',
  updated_at: iso(it.updatedAtMs),
});
