/** The most requests that are kept from the machine after one that it left. */
const keptMax = 64;

/**
 * Whether to offer a request to the machine. One that it leaves costs up to half as much again as one
 * that it is not asked about, so after the second that it left in a row one is not offered; after each
 * further one twice as many, up to a limit. The first that it takes begins all this anew.
 */
export class WalkerChoice {
  /** Requests not to be offered from here on. */
  #kept = 0;
  #keptNext = 0;

  /** Asked once per request. */
  offers(): boolean {
    if (this.#kept === 0) return true;
    this.#kept -= 1;
    return false;
  }

  took(): void {
    this.#keptNext = 0;
  }

  left(): void {
    this.#kept = this.#keptNext;
    this.#keptNext = Math.min(keptMax, Math.max(1, this.#keptNext * 2));
  }
}
