/** The most requests in a row that are kept from the machine after one that it left. */
const keptMax = 64;

/**
 * Whether to offer a request to the machine. Walking one for nothing costs half as much again as
 * not asking, so after a request that it left, one is not offered; after each further one in
 * a row twice as many, up to a limit. The first that it takes begins all this anew.
 */
export class WalkerChoice {
  /** Requests not to be offered from here on. */
  #kept = 0;
  #keptNext = 1;

  /** Asked once per request. */
  offers(): boolean {
    if (this.#kept === 0) return true;
    this.#kept -= 1;
    return false;
  }

  took(): void {
    this.#keptNext = 1;
  }

  left(): void {
    this.#kept = this.#keptNext;
    this.#keptNext = Math.min(keptMax, this.#keptNext * 2);
  }
}
