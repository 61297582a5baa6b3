import { Fault, messageOf } from '../lib/fault.ts';

/** Rejects with a Fault ERR_REDIS_COMMAND (`retry`) where Redis did not answer or refused. */
export const answered = async <T>(command: Promise<T>): Promise<T> => {
  try {
    return await command;
  } catch (error) {
    throw new Fault('ERR_REDIS_COMMAND', `Redis did not answer: ${messageOf(error)}`, {
      remedy: 'retry',
      cause: error,
    });
  }
};
