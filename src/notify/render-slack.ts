import { clip } from './format-value.ts';
import type { Message, Mood } from './message.ts';

/** What chat.postMessage and incoming webhooks share. */
export interface SlackBody {
  /** For notifications and clients that show no attachments. */
  readonly text: string;
  readonly attachments: readonly SlackAttachment[];
}

export interface SlackAttachment {
  readonly color: string;
  readonly fallback: string;
  readonly blocks: readonly SlackBlock[];
}

type MarkdownText = { readonly type: 'mrkdwn'; readonly text: string };

export type SlackBlock =
  | { readonly type: 'section'; readonly text: MarkdownText }
  | { readonly type: 'section'; readonly fields: readonly MarkdownText[] }
  | { readonly type: 'context'; readonly elements: readonly MarkdownText[] };

/** Slack refuses a whole message for one text beyond its limits (3000, and 2000 in a field). */
const sectionCharsMax = 2_900;
const fieldCharsMax = 1_900;
/** Slack's limit of fields in one section. */
const fieldsMax = 10;

const colours: Readonly<Record<Mood, string>> = {
  alarm: '#d92d20',
  warning: '#f5a524',
  good: '#2e9e5b',
  calm: '#64748b',
};

/** Blocks inside an attachment, which alone can carry a colour. */
export const renderSlack = (message: Message): SlackBody => {
  const { title, summary, facts, labels, links, footer, mood } = message;
  const fields = facts
    .slice(0, fieldsMax)
    .map((it) => markdown(`*${escaped(it.name)}*\n${escaped(it.text)}`, fieldCharsMax));
  const labelText = labels.map((it) => `${it.name}=${it.text}`).join('  ');
  const linkText = links.map((it) => `<${linkTarget(it.url)}|${escaped(it.text)}>`).join('  ·  ');
  const blocks: readonly SlackBlock[] = [
    section(`*${escaped(title)}*${summary === '' ? '' : `\n${escaped(summary)}`}`),
    ...(fields.length > 0 ? [{ type: 'section', fields } as const] : []),
    ...(labelText === '' ? [] : [context(escaped(labelText))]),
    ...(linkText === '' || linkText.length > sectionCharsMax ? [] : [section(linkText)]),
    context(escaped(footer)),
  ];
  return {
    text: escaped(title),
    attachments: [{ color: colours[mood], fallback: escaped(title), blocks }],
  };
};

const section = (text: string): SlackBlock => ({
  type: 'section',
  text: markdown(text, sectionCharsMax),
});

const context = (text: string): SlackBlock => ({
  type: 'context',
  elements: [markdown(text, fieldCharsMax)],
});

const markdown = (text: string, charsMax: number): MarkdownText => ({
  type: 'mrkdwn',
  text: clip(text, charsMax),
});

/** The three characters that mean something to Slack; `<!channel>` in a label stays text. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const linkTarget = (url: string): string => escaped(url).replaceAll('|', '%7C');
