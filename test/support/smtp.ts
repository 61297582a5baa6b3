import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Test } from 'tap';
import { type Mail, readMail } from './mail.ts';

export interface SmtpOptions {
  /** `starttls` offers it with a self-signed certificate; `tls` speaks it from the first byte. */
  readonly security?: 'plain' | 'starttls' | 'tls';
  /** Then authentication is demanded. */
  readonly user?: string;
  readonly password?: string;
  /** Answers a message with this SMTP status instead of taking it; asked for each message. */
  readonly refuse?: (mail: Mail) => number | undefined;
}

export interface SmtpMail extends Mail {
  /** Whether it came over TLS, and who had logged in. */
  readonly secure: boolean;
  readonly user: string | undefined;
}

export interface TestSmtp {
  /** `host:port`, as a smarthost. */
  readonly address: string;
  readonly messages: readonly SmtpMail[];
  /** Mails whose subject starts with `[WORD` and holds `name`. */
  readonly of: (word: string, name?: string) => readonly SmtpMail[];
}

/** A real SMTP server, gone when the test ends. */
export const startSmtp = async (
  t: Pick<Test, 'teardown'>,
  options: SmtpOptions = {},
): Promise<TestSmtp> => {
  const { security = 'plain', user, password, refuse } = options;
  const messages: SmtpMail[] = [];
  const server = new SMTPServer({
    secure: security === 'tls',
    disabledCommands: [
      ...(security === 'plain' ? ['STARTTLS'] : []),
      ...(user === undefined ? ['AUTH'] : []),
    ],
    authOptional: user === undefined,
    // A test of a plain server that demands a password: never do this outside.
    allowInsecureAuth: true,
    closeTimeout: 100,
    onAuth: (auth, _session, done) => {
      const known = auth.username === user && auth.password === password;
      if (known) return done(null, { user: auth.username });
      done(Object.assign(new Error('Invalid login'), { responseCode: 535 }));
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map((it) => it.address);
        const mail = readMail(Buffer.concat(chunks).toString('utf8'), to);
        const status = refuse?.(mail);
        if (status !== undefined) {
          return done(Object.assign(new Error('refused by the test'), { responseCode: status }));
        }
        const by = typeof session.user === 'string' ? session.user : undefined;
        messages.push({ ...mail, secure: session.secure, user: by });
        done(null, 'taken');
      });
    },
  });
  // Clients that distrust the certificate hang up; that is their test, not this server's failure.
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    messages,
    of: (word, name = '') =>
      messages.filter((it) => it.subject.startsWith(`[${word}`) && it.subject.includes(name)),
  };
};
