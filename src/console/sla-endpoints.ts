import { z } from '../lib/document.ts';
import { Fault } from '../lib/fault.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import type { ConsolePorts } from './ports.ts';
import { slaReport } from './sla-shapes.ts';

/** What was written down of the SLAs. */
export const slaEndpoints = ({ slaReports }: ConsolePorts): readonly Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/api/v1/slas/{sla}/reports/{month}',
    summary: 'What an SLA came to in a month; the same rows give the same answer',
    params: z.object({
      sla: z.string().max(200),
      month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'expected a month such as 2026-10'),
    }),
    query: z.strictObject({
      so_far: z
        .enum(['true', 'false'])
        .default('false')
        .meta({ description: 'Also of a month that is not over.' }),
    }),
    answer: slaReport,
    refusals: {
      404: 'Nothing was written down of such an SLA in that month.',
      409: 'The month is not over.',
    },
    handle: async ({ params: { sla, month }, query }) => {
      const found = await slaReports({ sla, month, soFar: query.so_far === 'true' });
      if (found) return found;
      const message = `nothing was written down of an SLA ${sla} in ${month}`;
      throw new Fault('ERR_SLA_UNKNOWN', message, { remedy: 'reject' });
    },
  }),
];
