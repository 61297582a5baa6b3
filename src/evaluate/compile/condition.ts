import { type Expression, parseExpression } from '../expression.ts';
import type { SignalValues, Unit } from '../rules/plan.ts';
import { checkUnits } from './check-units.ts';

/** Kleene's logic: a comparison with something that is missing is neither true nor false. */
export type Truth = 'yes' | 'no' | 'unknown';

export interface Condition {
  readonly text: string;
  readonly holds: (values: SignalValues) => Truth;
  /** Signals that are mentioned, in order of appearance. */
  readonly signals: readonly string[];
  /** What a comparison such as `x > 500 ms` says about a signal whose unit was unknown. */
  readonly inferred: ReadonlyMap<string, Unit>;
}

export type ConditionReading =
  | { readonly ok: true; readonly condition: Condition }
  | { readonly ok: false; readonly messages: readonly string[] };

/** Parses, checks names and units, and makes a condition that cannot fail when it runs. */
export const compileCondition = (
  text: string,
  units: ReadonlyMap<string, Unit>,
): ConditionReading => {
  const reading = parseExpression(text, [...units.keys()]);
  if (!reading.ok) return { ok: false, messages: [reading.message] };
  const { messages, inferred } = checkUnits(reading.expression, units);
  if (messages.length > 0) return { ok: false, messages };
  const { expression } = reading;
  return {
    ok: true,
    condition: {
      text,
      holds: (values) => truthOf(expression, values),
      signals: [...new Set(namesIn(expression))],
      inferred,
    },
  };
};

const namesIn = (node: Expression): readonly string[] => {
  switch (node.kind) {
    case 'number':
      return [];
    case 'signal':
      return [node.name];
    case 'negate':
    case 'not':
      return namesIn(node.of);
    case 'call':
      return node.parts.flatMap(namesIn);
    case 'arithmetic':
    case 'compare':
    case 'and':
    case 'or':
      return [...namesIn(node.left), ...namesIn(node.right)];
  }
};

const truthOf = (node: Expression, values: SignalValues): Truth => {
  switch (node.kind) {
    case 'and': {
      const [left, right] = [truthOf(node.left, values), truthOf(node.right, values)];
      if (left === 'no' || right === 'no') return 'no';
      return left === 'yes' && right === 'yes' ? 'yes' : 'unknown';
    }
    case 'or': {
      const [left, right] = [truthOf(node.left, values), truthOf(node.right, values)];
      if (left === 'yes' || right === 'yes') return 'yes';
      return left === 'no' && right === 'no' ? 'no' : 'unknown';
    }
    case 'not': {
      const inner = truthOf(node.of, values);
      return inner === 'unknown' ? 'unknown' : inner === 'yes' ? 'no' : 'yes';
    }
    case 'compare': {
      const [left, right] = [numberOf(node.left, values), numberOf(node.right, values)];
      if (left === undefined || right === undefined) return 'unknown';
      return compared[node.operator](left, right) ? 'yes' : 'no';
    }
    case 'number':
    case 'signal':
    case 'negate':
    case 'arithmetic':
    case 'call':
      return 'unknown';
  }
};

const compared = {
  '<': (left: number, right: number) => left < right,
  '<=': (left: number, right: number) => left <= right,
  '>': (left: number, right: number) => left > right,
  '>=': (left: number, right: number) => left >= right,
  '==': (left: number, right: number) => left === right,
  '!=': (left: number, right: number) => left !== right,
} as const;

/** Undefined when something is missing, and for what no number stands for, such as 0 / 0. */
const numberOf = (node: Expression, values: SignalValues): number | undefined => {
  const result = computed(node, values);
  return result !== undefined && Number.isFinite(result) ? result : undefined;
};

const computed = (node: Expression, values: SignalValues): number | undefined => {
  switch (node.kind) {
    case 'number':
      return node.value;
    case 'signal':
      return values[node.name] ?? undefined;
    case 'negate': {
      const inner = numberOf(node.of, values);
      return inner === undefined ? undefined : -inner;
    }
    case 'arithmetic': {
      const [left, right] = [numberOf(node.left, values), numberOf(node.right, values)];
      if (left === undefined || right === undefined) return undefined;
      if (node.operator === '+') return left + right;
      if (node.operator === '-') return left - right;
      return node.operator === '*' ? left * right : left / right;
    }
    case 'call': {
      const parts = node.parts.map((it) => numberOf(it, values));
      if (node.name === 'coalesce') return parts.find((it) => it !== undefined);
      const known = parts.filter((it) => it !== undefined);
      if (known.length < parts.length) return undefined;
      if (node.name === 'abs') return Math.abs(known[0] ?? Number.NaN);
      return node.name === 'min' ? Math.min(...known) : Math.max(...known);
    }
    case 'compare':
    case 'and':
    case 'or':
    case 'not':
      return undefined;
  }
};
