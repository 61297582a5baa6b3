import { createConnection } from 'node:net';
import { Fault } from '../lib/fault.ts';

/**
 * Sends one command to the Redis behind a unix socket and resolves with the first line of its answer,
 * such as `+PONG` or `-LOADING …`. Only what looking after a child needs; everything else goes
 * through `lib/redis.ts`. Rejects with a Fault ERR_REDIS_SILENT (`retry`).
 */
export const askRedis = (
  socketPath: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(socketPath);
    let text = '';
    const fail = (message: string, cause?: unknown) => {
      socket.destroy();
      reject(new Fault('ERR_REDIS_SILENT', message, { remedy: 'retry', cause }));
    };
    const giveUp = () => fail('Redis did not answer in time');
    if (signal.aborted) return giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    socket.setEncoding('utf8');
    socket.once('connect', () => socket.write(encode(command)));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const [line, rest] = text.split('\r\n', 2);
      if (rest === undefined || line === undefined) return;
      socket.destroy();
      resolve(line);
    });
    socket.once('error', (error) => fail(`Redis cannot be reached: ${error.message}`, error));
    socket.once('close', () => {
      signal.removeEventListener('abort', giveUp);
      fail('Redis closed the connection');
    });
  });

const encode = (command: readonly string[]): string =>
  [`*${command.length}`, ...command.flatMap((it) => [`$${Buffer.byteLength(it)}`, it]), ''].join(
    '\r\n',
  );
