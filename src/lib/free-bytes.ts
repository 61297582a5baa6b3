import { isMarkedAsUntransferable } from 'node:worker_threads';

/** What is smaller may as well wait. */
const bytesMin = 16 * 1024;

/**
 * Gives the memory of bytes back at once, which else waits until V8 collects the few bytes that stand for
 * it: V8 begins a full collection whenever so much waits. Only for the last owner: all that look at the
 * same memory see nothing from then on. What lies in Node's pool of small buffers stays.
 */
export const freeBytes = ({ buffer }: Uint8Array): void => {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < bytesMin) return;
  if (!isMarkedAsUntransferable(buffer)) buffer.transfer(0);
};
