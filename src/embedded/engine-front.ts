import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

export interface FrontListen {
  readonly host: string;
  readonly port: number;
}

/** A URL may carry a whole query: as much as ClickHouse itself takes by default. */
const headerBytesMax = 1024 * 1024;
const connectionsMax = 1_024;
const headersMsMax = 30_000;
/** Longer than clients of ClickHouse keep an idle connection by default, so that it is they who close. */
const idleMsMax = 10_000;
/** The engine takes lengths as signed 64-bit numbers; nobody sends as much as this in one request. */
const contentBytesMax = 2 ** 50;

/**
 * The door that people and their tools knock at. Every well-formed request goes to the engine as it
 * is, and the engine's answer back as it is, streamed, with broken-off ones broken off; the engine does
 * the rest: users, formats, compression, errors. It stands there because the engine, in this mode,
 * dies of a request that is no HTTP at all, such as a browser trying https, and of a length it
 * cannot read. Resolves when it listens; resolves the returned function when it has closed.
 */
export const openFront = (listen: FrontListen, engine: FrontListen): Promise<() => void> => {
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersMsMax,
      // A stream of inserts may last as long as it likes.
      requestTimeout: 0,
      keepAliveTimeout: idleMsMax,
    },
    (incoming, outgoing) => {
      forward(incoming, outgoing, engine).catch(() => outgoing.destroy());
    },
  );
  server.maxConnections = connectionsMax;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: listen.host, port: listen.port }, () =>
      resolve(() => {
        server.close();
        server.closeAllConnections();
      }),
    );
  });
};

const forward = async (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { host, port }: FrontListen,
): Promise<void> => {
  if (Number(incoming.headers['content-length'] ?? 0) > contentBytesMax) {
    outgoing.writeHead(413, { connection: 'close' }).end();
    return;
  }
  const { method, url: path } = incoming;
  const question = request({ host, port, method, path, agent: false, headers: passed(incoming) });
  question.on('error', () => {});
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    question.once('response', resolve);
    question.once('error', reject);
  });
  // Whoever goes away takes the query along: the engine sees the closed connection and cancels.
  outgoing.once('close', () => question.destroy());
  const asked = pipeline(incoming, question).catch(() => {});
  try {
    const answer = await answered;
    outgoing.writeHead(answer.statusCode ?? 502, answer.statusMessage, passed(answer));
    outgoing.flushHeaders();
    await pipeline(answer, outgoing);
  } catch (error) {
    if (outgoing.headersSent) throw error;
    outgoing.writeHead(502, { connection: 'close' }).end('the engine is not there; try again\n');
  }
  await asked;
};

/** Headers about one connection rather than about the message. */
const hopHeaders = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade']);

/** As sent, in order and case, for Node's flat list form. */
const passed = ({ rawHeaders }: IncomingMessage): string[] => {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (!hopHeaders.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
};
