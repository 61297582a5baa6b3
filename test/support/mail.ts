/** A mail as a person's program would read it. */
export interface Mail {
  /** Lower-case names; encoded words are decoded, folded lines joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Envelope recipients. */
  readonly to: readonly string[];
  readonly raw: string;
}

/** Reads what nodemailer writes: one multipart/alternative of text and HTML, or a single part. */
export const readMail = (raw: string, to: readonly string[]): Mail => {
  const [head, body] = halves(raw);
  const headers = headersOf(head);
  const parts = partsOf(headers['content-type'] ?? 'text/plain', headers, body);
  const bodyOf = (type: string): string => parts.find((it) => it.type === type)?.body ?? '';
  return {
    headers,
    subject: headers['subject'] ?? '',
    text: bodyOf('text/plain'),
    html: bodyOf('text/html'),
    to,
    raw,
  };
};

const halves = (text: string): readonly [head: string, body: string] => {
  const at = text.indexOf('\r\n\r\n');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 4)];
};

const headersOf = (head: string): Record<string, string> =>
  Object.fromEntries(
    head
      .replaceAll(/\r\n[ \t]+/g, ' ')
      .split('\r\n')
      .map((line) => /^([^:]+):\s*(.*)$/.exec(line))
      .filter((it) => it !== null)
      .map(([, name = '', value = '']) => [name.toLowerCase(), decodedWords(value)]),
  );

const decodedWords = (text: string): string =>
  text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, word: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('utf8')
        : unquoted(word.replaceAll('_', ' ')),
    );

const partsOf = (
  type: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): readonly { readonly type: string; readonly body: string }[] => {
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1];
  if (boundary === undefined) {
    const encoding = (headers['content-transfer-encoding'] ?? '').toLowerCase();
    return [{ type: type.split(';')[0]?.trim() ?? '', body: decoded(encoding, body) }];
  }
  return body
    .split(`--${boundary}`)
    .slice(1, -1)
    .flatMap((part) => {
      const [head, inner] = halves(part.replace(/^\r\n/, ''));
      const inside = headersOf(head);
      return partsOf(inside['content-type'] ?? 'text/plain', inside, inner);
    });
};

const decoded = (encoding: string, body: string): string => {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  return encoding === 'quoted-printable' ? unquoted(body.replaceAll(/=\r\n/g, '')) : body;
};

const unquoted = (text: string): string =>
  Buffer.from(
    text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    ),
    'latin1',
  ).toString('utf8');
