import { type Daemon, within } from './daemon.ts';

/** Start the daemon with it: a free port for the inspector, opened by SIGUSR1 only. */
export const inspectable: Readonly<Record<string, string>> = {
  NODE_OPTIONS: '--inspect-port=127.0.0.1:0',
};

/**
 * Ends an ingest worker of a running daemon from outside, in the middle of whatever JavaScript it
 * runs, through Node's inspector. Resolves when the daemon said that the worker is replaced.
 */
export const killWorker = async (daemon: Daemon): Promise<void> => {
  const restarts = () => daemon.output().split('ingest_worker_restarted').length;
  const before = restarts();
  const inspector = await connect(await inspectorOf(daemon));
  try {
    await inspector.exitWorker();
  } finally {
    inspector.close();
  }
  await within(
    20_000,
    () => (restarts() > before ? true : undefined),
    'a worker in place of the one that was killed',
  );
};

const inspectorOf = (daemon: Daemon): Promise<string> => {
  const known = () => /Debugger listening on (ws:\S+)/.exec(daemon.output())?.[1];
  if (known() === undefined) process.kill(daemon.pid, 'SIGUSR1');
  return within(20_000, known, 'the inspector of the daemon');
};

/** What we read of the inspector's messages. */
interface Message {
  readonly method?: string;
  readonly params?: { readonly sessionId: string; readonly workerInfo?: { readonly url: string } };
}

interface Inspector {
  /** Resolves when the thread is gone. */
  readonly exitWorker: () => Promise<void>;
  readonly close: () => void;
}

const connect = async (url: string): Promise<Inspector> => {
  const socket = new WebSocket(url);
  const gone = Promise.withResolvers<void>();
  const say = (method: string, params: Readonly<Record<string, unknown>>) =>
    socket.send(JSON.stringify({ id: 1, method, params }));
  let victim: string | undefined;
  socket.addEventListener('message', ({ data }) => {
    const { method, params } = JSON.parse(String(data)) as Message;
    const { sessionId, workerInfo } = params ?? {};
    if (method === 'NodeWorker.detachedFromWorker' && sessionId === victim) gone.resolve();
    const isIngest = /ingest\/worker\.ts$/.test(workerInfo?.url ?? '');
    if (method !== 'NodeWorker.attachedToWorker' || !isIngest || victim !== undefined) return;
    victim = sessionId;
    const exit = { id: 1, method: 'Runtime.evaluate', params: { expression: 'process.exit(9)' } };
    say('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify(exit) });
  });
  socket.addEventListener('close', () => gone.reject(new Error('the inspector hung up')));
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new Error('no inspector answers')));
  });
  return {
    exitWorker: () => {
      say('NodeWorker.enable', { waitForDebuggerOnStart: false });
      return gone.promise;
    },
    close: () => socket.close(),
  };
};
