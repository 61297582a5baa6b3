import type { SlaReport } from '../../src/model/sla-report.ts';

/** A month with something of everything, and names that try to be Markdown. */
export const slaReport: SlaReport = {
  sla: 'checkout|up',
  service: 'check*out',
  type: 'availability',
  month: '2026-10',
  from: '2026-10-01T00:00:00Z',
  to: '2026-11-01T00:00:00Z',
  until: null,
  objectives: [
    {
      objective: '',
      unit: 'ratio',
      target: 0.999,
      achieved: 0.9999995,
      met: true,
      requests: 4_000_000,
      errors: 2,
      good: 3_999_998,
      total: 4_000_000,
      budget: { share: 0.001, total: 4_000, consumed: 2, remaining: 3_998, left: 0.9995 },
      minutes: { month: 44_640, recorded: 44_639, excluded: 60, breached: 2 },
      breaches: [
        { from: '2026-10-03T10:10:00Z', to: '2026-10-03T10:12:00Z', minutes: 2, worst: 0.5 },
      ],
      exclusions: [
        {
          from: '2026-10-04T02:00:00Z',
          to: '2026-10-04T03:00:00Z',
          minutes: 60,
          reason: 'disks\n| and more',
        },
      ],
      missing: [{ from: '2026-10-31T23:59:00Z', to: '2026-11-01T00:00:00Z', minutes: 1 }],
      definitions: [
        {
          definition: 'abc123',
          since: '2026-10-01T00:00:00Z',
          target: 0.999,
          window: '30d',
          source: 'span_rollup_1m',
          minutes: 44_639,
        },
      ],
    },
  ],
  incidents: [
    {
      alert: 'f00d-1',
      name: 'SlaBurnRate',
      objective: '',
      severity: 'critical',
      fired: '2026-10-03T10:11:00Z',
      resolved: null,
    },
  ],
  evidence: { rows: 44_639, sha256: 'feed', later: 3, changed: '2026-11-02T10:00:00Z' },
};
