/** What waits, from several senders who take turns. Everything is O(1), whoever waits with how much. */
export interface FairQueue<T> {
  readonly add: (sender: string, item: T) => void;
  /** Whose turn it is; undefined when nothing waits. */
  readonly take: () => T | undefined;
  /** What the last item taken has cost its sender, in the unit of the quantum. */
  readonly charge: (cost: number) => void;
  readonly size: () => number;
  /** Senders with something that waits. */
  readonly senders: () => number;
}

interface Entry<T> {
  readonly item: T;
  next: Entry<T> | undefined;
}

/** All that waits of one sender, who is in the ring of those that take turns. */
interface Line<T> {
  readonly sender: string;
  first: Entry<T> | undefined;
  last: Entry<T> | undefined;
  /** What it may still cost before the turn goes on; below 0 it sits out. */
  balance: number;
  next: Line<T> | undefined;
}

/**
 * Surplus round robin: a sender has the turn until what it took has cost a quantum, and what it took
 * beyond comes off its next turns. So senders with enough that waits get as much as each other, and
 * whoever comes with little waits for one turn of each other one, at most. A sender of whom nothing
 * waits is forgotten, and what it owes.
 */
export const createFairQueue = <T>(quantum: number): FairQueue<T> => {
  const lines = new Map<string, Line<T>>();
  let front: Line<T> | undefined;
  let back: Line<T> | undefined;
  let charged: Line<T> | undefined;
  let size = 0;

  const append = (line: Line<T>): void => {
    line.next = undefined;
    if (back) back.next = line;
    else front = line;
    back = line;
  };

  const dropFront = (): void => {
    front = front?.next;
    if (!front) back = undefined;
  };

  const enter = (sender: string): Line<T> => {
    const line: Line<T> = {
      sender,
      first: undefined,
      last: undefined,
      balance: quantum,
      next: undefined,
    };
    lines.set(sender, line);
    append(line);
    return line;
  };

  /** The first one who may take something. Who owes gets a quantum for each turn it sits out. */
  const turn = (): Line<T> | undefined => {
    while (front && front.balance <= 0) {
      const line = front;
      // Nobody else waits for it to pay.
      line.balance = lines.size === 1 ? quantum : line.balance + quantum;
      dropFront();
      append(line);
    }
    return front;
  };

  return {
    add: (sender, item) => {
      const line = lines.get(sender) ?? enter(sender);
      const entry: Entry<T> = { item, next: undefined };
      if (line.last) line.last.next = entry;
      else line.first = entry;
      line.last = entry;
      size += 1;
    },
    take: () => {
      const line = turn();
      const entry = line?.first;
      charged = line;
      if (!line || !entry) return undefined;
      size -= 1;
      line.first = entry.next;
      if (!line.first) {
        lines.delete(line.sender);
        dropFront();
      }
      return entry.item;
    },
    charge: (cost) => {
      if (charged) charged.balance -= cost;
      charged = undefined;
    },
    size: () => size,
    senders: () => lines.size,
  };
};
