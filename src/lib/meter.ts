export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface MetricOptions {
  readonly description: string;
  /** UCUM: `s`, `By`, `1`, `{span}`. */
  readonly unit: string;
}

export interface Observation {
  readonly value: number;
  readonly attributes?: Attributes;
}

/**
 * Our own instruments. Names are `tocsin_` + noun + past verb, without unit or `_total`: the
 * Prometheus page and the OTLP export each add their own suffixes.
 */
export interface Meter {
  readonly counter: (
    name: `tocsin_${string}`,
    options: MetricOptions,
  ) => (add: number, attributes?: Attributes) => void;
  readonly histogram: (
    name: `tocsin_${string}`,
    options: MetricOptions & { readonly bounds: readonly number[] },
  ) => (value: number, attributes?: Attributes) => void;
  /**
   * `observe` is called at each collection and must be cheap and must not throw. Several observers of
   * one name add up where their attributes are the same.
   */
  readonly gauge: (
    name: `tocsin_${string}`,
    options: MetricOptions,
    observe: () => number | readonly Observation[],
  ) => void;
}

/** Measures nothing; for tests. */
export const noopMeter: Meter = {
  counter: () => () => {},
  histogram: () => () => {},
  gauge: () => {},
};

/** Seconds, from a fast local call to a hanging remote one. */
export const secondsBounds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
