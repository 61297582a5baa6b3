/** One value for each tier whose retention people can set. */
export interface PerTier<T> {
  readonly traces: { readonly raw: T; readonly summaries: T };
  readonly metrics: { readonly raw: T; readonly '1m': T; readonly '1h': T; readonly '1d': T };
  readonly spans: { readonly '1m': T; readonly '1h': T; readonly '1d': T };
  readonly logs: T;
  readonly alerts: T;
  readonly audit: T;
}

/** Another retention for some services or metrics. Names are exact or globs with `*` and `?`. */
export interface RetentionOverride {
  /** None: of any service. */
  readonly services: readonly string[];
  /** None: of any metric. */
  readonly metrics: readonly string[];
  /** Milliseconds; undefined where this one says nothing. */
  readonly keptMs: PerTier<number | undefined>;
}

/** How long rows are kept, milliseconds. */
export interface RetentionMs extends PerTier<number> {
  /** The first that applies to a row and says something about its tier decides. */
  readonly overrides?: readonly RetentionOverride[];
  /** Day partitions move to another volume of the storage policy when they are older than this. */
  readonly cold?: ColdVolume;
}

export interface ColdVolume {
  readonly afterMs: number;
  readonly volume: string;
}

/** What to do when the disk under ClickHouse fills up. Shares of it, 0 to 1. */
export interface DiskRules {
  readonly warnShare: number;
  /** From here on the oldest day of raw data goes early, where that is allowed. */
  readonly shortenShare: number;
  readonly shortenAllowed: boolean;
}
