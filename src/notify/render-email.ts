import type { Fact, Message, Mood } from './message.ts';

export interface EmailBody {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** The same message twice: for terminals and screen readers, and for mail programs. */
export const renderEmail = (message: Message): EmailBody => ({
  subject: message.title,
  text: textOf(message),
  html: htmlOf(message),
});

const textOf = ({ title, summary, facts, labels, links, footer }: Message): string =>
  [
    title,
    summary,
    lines(facts),
    `Labels:\n${lines(labels)}`,
    links.map((it) => `${it.text}: ${it.url}`).join('\n'),
    footer,
  ]
    .filter((part) => part !== '')
    .join('\n\n');

const lines = (facts: readonly Fact[]): string =>
  facts.map((it) => `${it.name}: ${it.text}`).join('\n');

const colours: Readonly<Record<Mood, string>> = {
  alarm: '#b3261e',
  warning: '#a15c00',
  good: '#1b7f3b',
  calm: '#44546a',
};

/** Tables and inline styles: what mail programs of every age agree on. */
const htmlOf = ({ title, mood, summary, facts, labels, links, footer }: Message): string =>
  `<!doctype html>
<html><body style="margin:0;padding:16px;font-family:sans-serif;font-size:14px;color:#1f2328">
<table role="presentation" style="max-width:640px;width:100%;border-collapse:collapse">
<tr><td style="padding:12px;background:${colours[mood]};color:#ffffff;font-size:16px;font-weight:bold">${escaped(title)}</td></tr>
${summary === '' ? '' : `<tr><td style="padding:12px;white-space:pre-line">${escaped(summary)}</td></tr>\n`}<tr><td style="padding:0 12px">${table(facts)}</td></tr>
<tr><td style="padding:12px">${links
    .map((it) => `<a href="${escaped(it.url)}">${escaped(it.text)}</a>`)
    .join(' · ')}</td></tr>
<tr><td style="padding:0 12px">${table(labels)}</td></tr>
<tr><td style="padding:12px;color:#656d76;font-size:12px">${escaped(footer)}</td></tr>
</table>
</body></html>
`;

const table = (facts: readonly Fact[]): string =>
  `<table role="presentation" style="border-collapse:collapse">${facts
    .map(
      (it) =>
        `<tr><td style="padding:2px 12px 2px 0;color:#656d76">${escaped(it.name)}</td><td style="padding:2px 0">${escaped(it.text)}</td></tr>`,
    )
    .join('')}</table>`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
