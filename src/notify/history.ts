import type { Query } from '../model/query.ts';

/** One change of an alert, as it was written down. */
export interface AlertChange {
  readonly atMs: number;
  /** `fired`, `resolved`, `changed` and the like. */
  readonly change: string;
  readonly reason: string;
  readonly phase: string;
  readonly severity: string;
  readonly ruleId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly activeAtMs: number;
}

/** One attempt to tell somebody, or what kept somebody from being told. */
export interface SentMessage {
  readonly atMs: number;
  readonly alertId: string;
  readonly alertName: string;
  readonly kind: string;
  readonly reason: string;
  readonly receiver: string;
  readonly channel: string;
  readonly destination: string;
  readonly outcome: string;
  /** What the other side said, or what went wrong. */
  readonly answer: string;
}

export interface History {
  /** Of one alert in one episode, oldest first; as far as ClickHouse has it. Rejects like `Query`. */
  readonly changes: (alertId: string) => Promise<readonly AlertChange[]>;
  /** Newest first: of one alert, or of all in the last seven days. Decisions are left out. */
  readonly messages: (filter: {
    readonly alertId?: string;
    readonly limit: number;
  }) => Promise<readonly SentMessage[]>;
}

const timeoutMs = 5_000;
const changesMax = 200;

const changesSql = `
SELECT toFloat64(toUnixTimestamp64Milli(At)) AS atMs, Change AS change, Reason AS reason,
  Phase AS phase, Severity AS severity, RuleId AS ruleId, Labels AS labels,
  Annotations AS annotations, toFloat64(toUnixTimestamp64Milli(ActiveAt)) AS activeAtMs
FROM alert_events
WHERE AlertId = {alertId:String} AND At >= fromUnixTimestamp64Milli({fromMs:Int64})
ORDER BY At DESC, TransitionId DESC LIMIT {limit:UInt32}`;

const messagesSql = (where: string): string => `
SELECT toFloat64(toUnixTimestamp64Milli(At)) AS atMs, AlertId AS alertId, AlertName AS alertName,
  Kind AS kind, Reason AS reason, Receiver AS receiver, ChannelType AS channel,
  Destination AS destination, Outcome AS outcome, if(Error = '', Answer, Error) AS answer
FROM notification_log
WHERE Outcome != 'decided' AND ${where}
ORDER BY At DESC LIMIT {limit:UInt32}`;

/** Reads back what the ledger stored. */
export const createHistory = (query: Query): History => ({
  changes: async (alertId) => {
    const parameters = { alertId, fromMs: activeAtMs(alertId), limit: changesMax };
    const rows = await query<AlertChange>(changesSql, { parameters, timeoutMs });
    return rows.toReversed();
  },
  messages: async ({ alertId, limit }) =>
    alertId === undefined
      ? query(messagesSql('At > now() - INTERVAL 7 DAY'), { parameters: { limit }, timeoutMs })
      : query(messagesSql('AlertId = {alertId:String}'), {
          parameters: { alertId, limit },
          timeoutMs,
        }),
});

/** An alert's id ends in when it began, so that older partitions need not be read. */
const activeAtMs = (alertId: string): number => {
  const ms = Number.parseInt(alertId.split('-').at(-1) ?? '', 36);
  return Number.isSafeInteger(ms) ? Math.min(ms, Number.MAX_SAFE_INTEGER / 1_000) : 0;
};
