import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Signal } from '../../src/model/ingest.ts';
import type { SenderOptions } from '../load/send.ts';
import { createGrpcSender } from '../load/send-grpc.ts';
import { createHttpSender } from '../load/send-http.ts';
import { payloadOf } from './payload.ts';
import type { ServerMark, Stage, StageResult } from './stage.ts';

const program = new URL('stage.ts', import.meta.url);
/** So much room that no collection falls into the one round in which the heap is looked at. */
const stageFlags = ['--expose-gc', '--max-semi-space-size=128'];
/** A door stands in the daemon, whose launcher says how much room there is. */
const launcher = new URL('../../src/tocsin.sh', import.meta.url);
export const daemonFlags = (): readonly string[] =>
  readFileSync(launcher, 'utf8').match(/--[a-z-]+=\d+/g) ?? [];
/** It says how many arenas of memory threads share, too. */
export const daemonEnvironment = (): NodeJS.ProcessEnv => {
  const arenas = /MALLOC_ARENA_MAX:-(\d+)/.exec(readFileSync(launcher, 'utf8'))?.[1];
  return { MALLOC_ARENA_MAX: arenas, ...process.env };
};

export interface Size {
  readonly requests: number;
  readonly rounds: number;
}

/** One stage in a process of its own. */
export const runStage = async (stage: Stage, signal: Signal, size: Size): Promise<StageResult> => {
  const args = [stage, signal, String(size.requests), String(size.rounds)];
  const isDoor = stage === 'http gzip' || stage === 'grpc';
  const child = fork(program, args, { execArgv: [...(isDoor ? daemonFlags() : stageFlags)] });
  try {
    if (!isDoor) return await message<StageResult>(child);
    const { port } = await message<ServerMark>(child);
    return await loadServer(child, port, { stage, signal, size });
  } finally {
    child.kill();
  }
};

interface ServerStage {
  readonly stage: 'http gzip' | 'grpc';
  readonly signal: Signal;
  readonly size: Size;
}

/** Eight requests at a time from this process, while the server's process counts its own CPU. */
const loadServer = async (
  child: ChildProcess,
  port: number,
  { stage, signal, size }: ServerStage,
): Promise<StageResult> => {
  const options: SenderOptions = {
    endpoint: new URL(`http://127.0.0.1:${port}`),
    signal,
    coding: stage === 'grpc' ? 'identity' : 'gzip',
    connections: stage === 'grpc' ? 2 : 8,
    answerMsMax: 30_000,
    headers: {},
  };
  const sender = stage === 'grpc' ? createGrpcSender(options) : createHttpSender(options);
  const { bodies } = payloadOf(signal, size.requests);
  const ready = stage === 'grpc' ? bodies : bodies.map((it) => gzipSync(it));
  const sendAll = async (): Promise<void> => {
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let body = ready[next]; body; body = ready[next]) {
        next += 1;
        const sent = await sender.send(body);
        if (sent.kind !== 'acknowledged') throw new Error(`${stage}: ${JSON.stringify(sent)}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
  };
  const mark = (): Promise<ServerMark> => {
    child.send('mark');
    return message<ServerMark>(child);
  };
  const warmUntilMs = performance.now() + (size.rounds > 3 ? 1_500 : 100);
  do await sendAll();
  while (performance.now() < warmUntilMs);
  const samples: number[] = [];
  let before = await mark();
  for (let round = 0; round < size.rounds; round += 1) {
    await sendAll();
    const after = await mark();
    samples.push((after.cpuMicros - before.cpuMicros) / (after.items - before.items));
    before = after;
  }
  sender.close();
  return { samples, heapBytesPerItem: Number.NaN };
};

export const message = <T>(child: ChildProcess): Promise<T> =>
  new Promise((resolve, reject) => {
    child.once('message', (it) => resolve(it as T));
    child.once('exit', (code) => reject(new Error(`the stage ended with ${code}`)));
  });
