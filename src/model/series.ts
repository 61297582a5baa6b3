/** How many series may be known at once: of one metric of one service, of one service, and of all. */
export interface SeriesLimits {
  readonly perMetric: number;
  readonly perService: number;
  readonly total: number;
}

/** What the threads of a daemon know of series. Plain data: it crosses threads, and they share it. */
export interface SharedSeries {
  readonly limits: SeriesLimits;
  /** Laid out by `SeriesBook`. */
  readonly memory: SharedArrayBuffer;
}
