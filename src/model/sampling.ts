/** Which spans are kept, and how many each stands for. Plain data: it crosses threads. */
export interface SampleRule {
  /** In metrics. */
  readonly name: string;
  /** All must hold; none holds for every span. */
  readonly where: readonly SampleCondition[];
  /** The share of spans that is kept, from 0 to 1. */
  readonly keep: number;
  /** Spans with status Error are kept whatever the share. */
  readonly keepErrors: boolean;
  /** So are spans that took longer. */
  readonly keepSlowerThanMs?: number;
  /** Decides about whole traces, of which one span fits, once they have waited; else about each span. */
  readonly tail?: { readonly waitMs: number };
}

export interface SampleCondition {
  /**
   * `service.name` (of the resource), `name`, `kind` (`server`, `client`, …), or an attribute of the
   * span or, where the span has none, of its resource.
   */
  readonly key: string;
  /** One must match the value; what is absent is empty. */
  readonly globs: readonly string[];
}
