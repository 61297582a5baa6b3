/** Of a longer list nothing is kept, and then nothing is left out when a request is decoded again. */
const bytesMax = 24 * 1024;

/**
 * Which points of a request were left out because their series was new. That depends on what else had come
 * until then, so it cannot be found out again: it is written down as runs of points, kept ones and
 * left-out ones in turn, and read when the request is decoded again.
 */
export class LeftOut {
  /** Lengths of runs; the first, which may be 0, is of points that were kept. */
  #runs: number[] = [];
  #isOut = false;
  #length = 0;
  #recalled: readonly number[] | undefined;
  #run = 0;
  #left = 0;

  /** Before a request: what was noted of it the first time. */
  begin(noted: string | undefined): void {
    this.#runs = [];
    this.#isOut = false;
    this.#length = 0;
    this.#recalled = noted === undefined ? undefined : numbersOf(Buffer.from(noted, 'base64'));
    this.#run = 0;
    this.#left = this.#recalled?.[0] ?? 0;
  }

  /** Whether it goes by what was noted. */
  get recalls(): boolean {
    return this.#recalled !== undefined;
  }

  /** Whether the next point was left out. */
  next(): boolean {
    const runs = this.#recalled ?? [];
    while (this.#left === 0 && this.#run < runs.length) {
      this.#run += 1;
      this.#left = runs[this.#run] ?? 0;
    }
    if (this.#left > 0) this.#left -= 1;
    return this.#run < runs.length && this.#run % 2 === 1;
  }

  /** Of each point of the first walk, in order. */
  note(isOut: boolean): void {
    if (isOut !== this.#isOut) {
      this.#runs.push(this.#length);
      this.#length = 0;
      this.#isOut = isOut;
    }
    this.#length += 1;
  }

  /** For `begin`; undefined when nothing was left out. What follows the last that was is not told. */
  noted(): string | undefined {
    const runs = this.#isOut ? [...this.#runs, this.#length] : this.#runs;
    const bytes = bytesOf(runs);
    return runs.length < 2 || bytes.length > bytesMax ? undefined : bytes.toString('base64');
  }
}

const bytesOf = (numbers: readonly number[]): Buffer => {
  const bytes: number[] = [];
  for (const number of numbers) {
    let rest = number;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
    bytes.push(rest);
  }
  return Buffer.from(bytes);
};

const numbersOf = (bytes: Uint8Array): readonly number[] => {
  const numbers: number[] = [];
  let number = 0;
  let factor = 1;
  for (const byte of bytes) {
    number += (byte % 128) * factor;
    factor *= 128;
    if (byte > 127) continue;
    numbers.push(number);
    number = 0;
    factor = 1;
  }
  return numbers;
};
