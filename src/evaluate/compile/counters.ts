/** How far before a window the point is sought from which a cumulative counter is counted on. */
export const baseLookbackMs = 300_000;
