export type IncidentKind = 'none' | 'slow-payments' | 'failing-payments' | 'cold-cache';

interface Phase {
  readonly kind: IncidentKind;
  readonly forMs: number;
}

/** The first incident comes a minute after the start; quiet times are longer than alerts' windows. */
const cycle: readonly Phase[] = [
  { kind: 'none', forMs: 60_000 },
  { kind: 'slow-payments', forMs: 60_000 },
  { kind: 'none', forMs: 120_000 },
  { kind: 'cold-cache', forMs: 60_000 },
  { kind: 'none', forMs: 120_000 },
  { kind: 'failing-payments', forMs: 60_000 },
  { kind: 'none', forMs: 60_000 },
];

const cycleMs = cycle.reduce((sum, phase) => sum + phase.forMs, 0);

/** What is wrong in the demo shop, by time since it opened. Repeats every nine minutes. */
export const incidentAt = (sinceStartMs: number): IncidentKind => {
  let restMs = sinceStartMs % cycleMs;
  for (const phase of cycle) {
    if (restMs < phase.forMs) return phase.kind;
    restMs -= phase.forMs;
  }
  return 'none';
};
