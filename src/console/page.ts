import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

const files = [
  { url: '/', name: 'index.html', type: 'text/html; charset=utf-8' },
  { url: '/console.css', name: 'console.css', type: 'text/css; charset=utf-8' },
  { url: '/console.js', name: 'console.js', type: 'text/javascript; charset=utf-8' },
] as const;

/** Only our own files, no inline script or style, no frame around us. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page at `/`: three files beside this one, read once, talking to the API like everybody. */
export const addPage = (app: FastifyInstance): void => {
  for (const { url, name, type } of files) {
    const text = readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8');
    app.get(url, async (_request, reply) =>
      reply
        .headers({
          'content-security-policy': policy,
          'referrer-policy': 'no-referrer',
          'x-frame-options': 'DENY',
        })
        .type(type)
        .send(text),
    );
  }
};
