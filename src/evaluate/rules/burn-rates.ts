export interface BurnRate {
  readonly severity: string;
  readonly longMs: number;
  readonly shortMs: number;
  /** Share of the error budget that may burn within the long window. */
  readonly share: number;
}

const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];

/** The four windows of the SRE workbook: fast burns page, slow ones make a ticket. */
export const defaultBurnRates: readonly BurnRate[] = [
  { severity: 'critical', longMs: hourMs, shortMs: 5 * minuteMs, share: 0.02 },
  { severity: 'critical', longMs: 6 * hourMs, shortMs: 30 * minuteMs, share: 0.05 },
  { severity: 'warning', longMs: dayMs, shortMs: 2 * hourMs, share: 0.1 },
  { severity: 'warning', longMs: 3 * dayMs, shortMs: 6 * hourMs, share: 0.1 },
];

/** How many times faster than the budget allows errors may come, for this share of it to burn. */
export const burnFactor = (rate: BurnRate, periodMs: number): number =>
  (rate.share * periodMs) / rate.longMs;
