/**
 * Runs a piece of work one at a time. Who asks while it runs gets a run of its own after that; who
 * asks while one waits shares it, since that one has not looked at anything yet.
 */
export const oneAtATime = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: Promise<T> | undefined;
  return () => {
    waiting ??= running
      .catch(() => {})
      .then(() => {
        waiting = undefined;
        const own = work();
        running = own;
        return own;
      });
    return waiting;
  };
};
