/** Why items of the request at hand were left out, for the sender to read. */
export class Rejections {
  #total = 0;
  readonly #reasons = new Map<string, number>();

  /** `reason` completes "2 rejected: …"; a small fixed set of texts. */
  add(reason: string): void {
    this.#total += 1;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  get total(): number {
    return this.#total;
  }

  message(noun: string): string {
    if (this.#total === 0) return '';
    const parts = [...this.#reasons].map(([reason, count]) => `${count} with ${reason}`);
    return `${this.#total} ${noun} rejected: ${parts.join(', ')}`;
  }

  clear(): void {
    this.#total = 0;
    this.#reasons.clear();
  }
}
