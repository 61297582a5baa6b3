export type CalendarPeriod = 'week' | 'month' | 'quarter' | 'year';

const dayMs = 86_400_000;

/** First moment of the period that has `atMs`, in UTC; weeks begin on Monday. */
export const periodStartMs = (period: CalendarPeriod, atMs: number): number => {
  const at = new Date(atMs);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  switch (period) {
    case 'week': {
      const sinceMonday = (at.getUTCDay() + 6) % 7;
      return Date.UTC(year, month, at.getUTCDate()) - sinceMonday * dayMs;
    }
    case 'month':
      return Date.UTC(year, month, 1);
    case 'quarter':
      return Date.UTC(year, month - (month % 3), 1);
    case 'year':
      return Date.UTC(year, 0, 1);
  }
};
