import type { Test } from 'tap';
import { startHttp, type TestAnswer, type TestRequest } from './http-server.ts';

export interface SlackMessage {
  readonly ts: string;
  readonly channel: string;
  readonly text: string;
  readonly attachments: readonly SlackAttachment[];
  readonly threadTs: string | undefined;
  /** Whether a reply shows in the channel too. */
  readonly broadcast: boolean;
  readonly via: 'bot' | 'webhook';
}

interface SlackAttachment {
  readonly color?: string;
  readonly blocks?: readonly Readonly<Record<string, unknown>>[];
}

export interface SlackOptions {
  /** Another answer, asked for each attempt before anything else. */
  readonly answer?: (method: string, attempt: number) => TestAnswer | 'hang' | undefined;
}

export interface TestSlack {
  /** Base of the Web API, with a slash at the end. */
  readonly apiUrl: string;
  /** What `Authorization: Bearer` must carry. */
  readonly token: string;
  readonly webhookUrl: string;
  /** Posted messages as they stand now, after updates. */
  readonly messages: readonly SlackMessage[];
  readonly updates: readonly string[];
  readonly refused: readonly string[];
  /** Messages whose text starts with `[WORD` and holds `name`. */
  readonly of: (word: string, name?: string) => readonly SlackMessage[];
}

const token = 'xoxb-a-token-of-the-test';
const webhookPath = '/services/T0000/B0000/verysecret';

/** Checks what Slack checks (limits as its documentation has them), gone when the test ends. */
export const startSlack = async (
  t: Pick<Test, 'teardown'>,
  options: SlackOptions = {},
): Promise<TestSlack> => {
  const messages: SlackMessage[] = [];
  const updates: string[] = [];
  const refused: string[] = [];
  const attempts: string[] = [];

  const store = (fields: Fields, via: SlackMessage['via']): SlackMessage => {
    const message = {
      ts: `1700000000.${String(messages.length + 1).padStart(6, '0')}`,
      channel: 'C0123456',
      text: fields.text,
      attachments: fields.attachments,
      threadTs: fields.threadTs,
      broadcast: fields.broadcast,
      via,
    };
    messages.push(message);
    return message;
  };

  const update = (fields: Fields): TestAnswer => {
    const index = messages.findIndex((it) => it.ts === fields.ts && it.channel === fields.channel);
    const before = messages[index];
    if (!before) throw new SlackError('message_not_found');
    messages[index] = { ...before, text: fields.text, attachments: fields.attachments };
    updates.push(before.ts);
    return json({ ok: true, channel: before.channel, ts: before.ts, text: fields.text });
  };

  const api = (method: string, request: TestRequest): TestAnswer => {
    if (request.headers.authorization === undefined) throw new SlackError('not_authed');
    if (request.headers.authorization !== `Bearer ${token}`) throw new SlackError('invalid_auth');
    if (method === 'auth.test') return json({ ok: true, team_id: 'T0000', bot_id: 'B0000' });
    const fields = fieldsOf(request);
    if (fields.channel === undefined || fields.channel === '') {
      throw new SlackError('channel_not_found');
    }
    check(fields);
    if (method === 'chat.update') return update(fields);
    if (method !== 'chat.postMessage') throw new SlackError('unknown_method');
    if (fields.threadTs !== undefined && !messages.some((it) => it.ts === fields.threadTs)) {
      throw new SlackError('thread_not_found');
    }
    const { ts, channel } = store(fields, 'bot');
    return json({ ok: true, channel, ts, message: { ts, text: fields.text } });
  };

  const webhook = (request: TestRequest): TestAnswer => {
    try {
      const fields = fieldsOf(request);
      check(fields);
      store(fields, 'webhook');
      return { status: 200, body: 'ok' };
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      refused.push(error.message);
      return { status: 400, body: error.message };
    }
  };

  const origin = await startHttp(t, (request) => {
    const isWebhook = request.path === webhookPath;
    const method = isWebhook ? 'webhook' : request.path.replace('/api/', '');
    attempts.push(method);
    const given = options.answer?.(method, attempts.filter((it) => it === method).length);
    if (given) return given;
    if (request.method !== 'POST') return { status: 405 };
    if (isWebhook) return webhook(request);
    if (!request.path.startsWith('/api/')) return { status: 404, body: 'no_service' };
    try {
      return api(method, request);
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      refused.push(error.message);
      // Slack's errors come with status 200.
      return json({ ok: false, error: error.message });
    }
  });
  return {
    apiUrl: `${origin}/api/`,
    token,
    webhookUrl: `${origin}${webhookPath}`,
    messages,
    updates,
    refused,
    of: (word, name = '') =>
      messages.filter((it) => it.text.startsWith(`[${word}`) && it.text.includes(name)),
  };
};

class SlackError extends Error {}

interface Fields {
  readonly channel: string | undefined;
  readonly text: string;
  readonly ts: string | undefined;
  readonly threadTs: string | undefined;
  readonly broadcast: boolean;
  readonly attachments: readonly SlackAttachment[];
}

/** JSON, or a form whose `attachments` are JSON. */
const fieldsOf = ({ headers, body }: TestRequest): Fields => {
  const type = headers['content-type'] ?? '';
  const raw = type.startsWith('application/json')
    ? (JSON.parse(body) as Record<string, unknown>)
    : type.startsWith('application/x-www-form-urlencoded')
      ? (Object.fromEntries(new URLSearchParams(body)) as Record<string, unknown>)
      : undefined;
  if (!raw) throw new SlackError('invalid_post_type');
  const text = (name: string) => (typeof raw[name] === 'string' ? raw[name] : undefined);
  const attachments = raw['attachments'] ?? [];
  return {
    channel: text('channel'),
    text: text('text') ?? '',
    ts: text('ts'),
    threadTs: text('thread_ts'),
    broadcast: String(raw['reply_broadcast']) === 'true',
    attachments: (typeof attachments === 'string'
      ? JSON.parse(attachments)
      : attachments) as readonly SlackAttachment[],
  };
};

const check = ({ text, attachments }: Fields): void => {
  if (text === '' && attachments.length === 0) throw new SlackError('no_text');
  if (text.length > 40_000) throw new SlackError('msg_too_long');
  if (attachments.length > 100) throw new SlackError('too_many_attachments');
  const blocks = attachments.flatMap((it) => it.blocks ?? []);
  if (blocks.length > 50) throw new SlackError('invalid_blocks');
  for (const block of blocks) {
    checkTexts(block['text'] && [block['text']], 3_000, 1);
    checkTexts(block['fields'], 2_000, 10);
    checkTexts(block['elements'], 2_000, 10);
  }
};

const checkTexts = (texts: unknown, charsMax: number, countMax: number): void => {
  if (texts === undefined) return;
  if (!Array.isArray(texts) || texts.length === 0 || texts.length > countMax) {
    throw new SlackError('invalid_blocks');
  }
  for (const it of texts as readonly { readonly type?: unknown; readonly text?: unknown }[]) {
    const text = typeof it.text === 'string' ? it.text : '';
    if (text === '' || text.length > charsMax) throw new SlackError('invalid_blocks');
    if (it.type !== 'mrkdwn' && it.type !== 'plain_text') throw new SlackError('invalid_blocks');
  }
};

const json = (value: unknown): TestAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(value),
});
