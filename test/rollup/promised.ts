import type { Test } from 'tap';
import { loadRules } from '../../src/evaluate/rules/load.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { formatProblem } from '../../src/lib/document.ts';
import type { SlaObjective } from '../../src/model/sla.ts';
import type { SlaReport } from '../../src/model/sla-report.ts';
import { createSlaJobs } from '../../src/rollup/sla.ts';
import { createSlaReports } from '../../src/rollup/sla-report.ts';
import { migrate } from '../../src/store/migrate.ts';
import { migrateOptions, openStore } from '../store/open-store.ts';
import { startClickHouse } from '../support/clickhouse.ts';

/** Requests that all start at one moment of a minute. */
export interface Requests {
  /** `2026-10-03 12:00`, UTC. */
  readonly minute: string;
  readonly count: number;
  readonly service?: string;
  readonly errors?: number;
  readonly durationMs?: number;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Objectives of SLAs written as in a rule file. */
export const objectivesOf = (
  ...slas: readonly Readonly<Record<string, unknown>>[]
): readonly SlaObjective[] => {
  const text = JSON.stringify({ slas });
  const { objectives, problems } = loadRules([{ file: 'a.yaml', text }], {
    intervalMs: 30_000,
    queryOffsetMs: 0,
  });
  if (problems.length > 0) throw new Error(problems.map(formatProblem).join('\n'));
  return objectives;
};

interface ComputeOptions {
  /** By the clock of the computation; long after the data unless told. */
  readonly nowMs?: number;
  readonly jobs?: readonly ('minutes' | 'status')[];
}

const dayMs = 86_400_000;

/** A real engine with our tables, and the SLA jobs run by hand for the hours one asks for. */
export const startPromises = async (t: Pick<Test, 'teardown'>) => {
  const store = openStore(t, await startClickHouse(t));
  await migrate(store, migrateOptions);
  let blocks = 0;
  let versionMs = Date.UTC(2027, 0, 1);
  const send = (all: readonly Requests[]): Promise<void> =>
    store.insertRows(
      'otel_traces',
      all.flatMap((it) =>
        Array.from({ length: it.count }, (_, index) => ({
          Timestamp: `${it.minute}:30`,
          ServiceName: it.service ?? 'shop',
          SpanName: 'GET /pay',
          SpanKind: 'Server',
          StatusCode: index < (it.errors ?? 0) ? 'Error' : 'Ok',
          Duration: Math.round((it.durationMs ?? 10) * 1e6),
          SpanAttributes: it.attributes ?? {},
        })),
      ),
      `requests-${(blocks += 1)}`,
    );
  /** Runs the jobs for the hours from one, up to without another: minutes a day at a time if they can. */
  const compute = async (
    objectives: readonly SlaObjective[],
    from: string,
    to: string,
    { nowMs, jobs = ['minutes', 'status'] }: ComputeOptions = {},
  ): Promise<void> => {
    for (const job of createSlaJobs({ objectives, lookbackMs: 30 * dayMs })) {
      if (!jobs.some((it) => job.name.startsWith(`sla_${it}`))) continue;
      const whole = job.name.startsWith('sla_minutes') && (at(to) - at(from)) % dayMs === 0;
      const stepMs = whole ? dayMs : job.windowMs;
      for (let fromMs = at(from); fromMs < at(to); fromMs += stepMs) {
        versionMs += 1;
        const window = { fromMs, toMs: fromMs + stepMs, versionMs: nowMs ?? versionMs, input: 1 };
        for (const [index, { sql, ...asked }] of job.run(window).entries()) {
          const token = `${job.name}-${fromMs}-${versionMs}-${index}`;
          await store.insertSelect(sql, { ...asked, token, timeoutMs: 20_000 });
        }
      }
    }
  };
  const rows = <Row>(sql: string): Promise<readonly Row[]> =>
    store.query<Row>(sql, { timeoutMs: 20_000 });
  const clock = { ...systemClock, nowMs: () => versionMs };
  const report = (sla: string, month: string, soFar = false): Promise<SlaReport | undefined> =>
    createSlaReports(store.query, clock)({ sla, month, soFar });
  return { store, send, compute, rows, report };
};

const at = (text: string): number => Date.parse(`${text.replace(' ', 'T')}:00Z`);
