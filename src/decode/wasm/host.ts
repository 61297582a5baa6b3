// What span-machine.ts does for this code. Each of these may throw through it.

/** Gives up: what is unusual, and what is wrong, is for the walker in TypeScript. */
@external("host", "irregular")
declare function irregular(): void;

/** Gives up until the region has room for `count` more bytes. */
@external("host", "needs")
export declare function needs(region: usize, count: u32): void;

/** Renders a value as text behind the request; returns its length. */
@external("host", "render")
export declare function render(position: usize, end: usize): u32;

/** Notes something to tell the sender of, by its place in `warnings` of span-machine.ts. */
@external("host", "warn")
export declare function warn(code: u32): void;

@inline
export function stop(): void {
  irregular();
  unreachable();
}
