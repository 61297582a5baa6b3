import { request } from 'node:http';
import { Fault } from '../lib/fault.ts';

export interface EngineDoor {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Answers to our few own questions are a handful of bytes. */
const answerBytesMax = 64 * 1024;

/**
 * Asks the engine one thing over a connection of its own, closed with the answer: the engine waits
 * for idle connections when it stops. Rejects with a Fault ERR_ENGINE_SILENT (`retry`).
 */
export const askEngine = (door: EngineDoor, sql: string, signal: AbortSignal): Promise<string> =>
  exchange(
    {
      host: door.host,
      port: door.port,
      method: 'POST',
      path: '/',
      headers: {
        'x-clickhouse-user': door.user,
        'x-clickhouse-key': door.password,
        'content-length': Buffer.byteLength(sql),
      },
      signal,
    },
    sql,
  );

/** The listener's own sign of life, which takes no user. */
export const pingEngine = (host: string, port: number, signal: AbortSignal): Promise<string> =>
  exchange({ host, port, method: 'GET', path: '/ping', signal }, '');

const exchange = (
  options: NonNullable<Parameters<typeof request>[1]>,
  body: string,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const fail = (cause: unknown, message: string) =>
      reject(new Fault('ERR_ENGINE_SILENT', message, { remedy: 'retry', cause }));
    const question = request({ ...options, agent: false });
    question.once('error', (error) =>
      fail(error, `the engine cannot be reached: ${error.message}`),
    );
    question.once('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        if (text.length < answerBytesMax) text += chunk;
      });
      answer.once('error', (error) => fail(error, `the engine broke off: ${error.message}`));
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else fail(undefined, `the engine answered ${answer.statusCode}: ${text.slice(0, 300)}`);
      });
    });
    question.end(body);
  });
