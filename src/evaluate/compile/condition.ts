import { nearest } from '../../lib/nearest.ts';
import { type Dimension, type Expression, parseExpression } from '../expression.ts';
import type { SignalValues, Unit } from '../rules/plan.ts';
import { unitOfNumber } from './quantity.ts';

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
  const check = createCheck(units);
  const type = check.typeOf(reading.expression);
  if (type.kind === 'quantity' && check.messages.length === 0) {
    check.messages.push('is a value, not a condition: compare it with something');
  }
  if (check.messages.length > 0) return { ok: false, messages: check.messages };
  const { expression } = reading;
  return {
    ok: true,
    condition: {
      text,
      holds: (values) => truthOf(expression, values),
      signals: [...new Set(namesIn(expression))],
      inferred: check.inferred,
    },
  };
};

type Quantity = {
  readonly kind: 'quantity';
  /** `any` fits everything: the unit is known only to the sender. */
  readonly dimension: Dimension | 'any';
  readonly written: 'bare' | 'percent' | 'unit' | 'computed';
};
type Type = Quantity | { readonly kind: 'condition' };

const any: Quantity = { kind: 'quantity', dimension: 'any', written: 'computed' };

const dimensions: Readonly<Record<Unit, Dimension | 'any'>> = {
  seconds: { time: 1, data: 0 },
  bytes: { time: 0, data: 1 },
  ratio: { time: 0, data: 0 },
  count: { time: 0, data: 0 },
  'per-second': { time: -1, data: 0 },
  unknown: 'any',
};

/** Finds what is wrong with an expression before it ever runs. */
const createCheck = (units: ReadonlyMap<string, Unit>) => {
  const messages: string[] = [];
  const inferred = new Map<string, Unit>();

  const typeOf = (node: Expression): Type => {
    switch (node.kind) {
      case 'number':
        return { kind: 'quantity', dimension: node.dimension, written: node.written };
      case 'signal':
        return typeOfSignal(node.name);
      case 'negate':
        return quantityOf(node.of, '-');
      case 'arithmetic':
        return typeOfArithmetic(node);
      case 'call':
        return node.parts
          .map((it) => quantityOf(it, node.name))
          .reduce((left, right) => agreeing(left, right, node.name));
      case 'compare':
        checkComparison(node);
        return { kind: 'condition' };
      case 'and':
      case 'or':
        demandCondition(node.left, node.kind);
        demandCondition(node.right, node.kind);
        return { kind: 'condition' };
      case 'not':
        demandCondition(node.of, 'not');
        return { kind: 'condition' };
    }
  };

  const typeOfSignal = (name: string): Type => {
    const unit = units.get(name);
    if (unit) return { kind: 'quantity', dimension: dimensions[unit], written: 'computed' };
    const known = [...units.keys()];
    const close = nearest(name, known);
    const hint = close ? `did you mean ${close}?` : `there are ${known.join(', ') || 'none'}`;
    messages.push(`unknown signal ${name}; ${hint}`);
    return any;
  };

  const quantityOf = (node: Expression, user: string): Quantity => {
    const type = typeOf(node);
    if (type.kind === 'quantity') return { ...type, written: writtenIn(node) };
    messages.push(`${user} needs a value, not a condition: put parentheses around the value`);
    return any;
  };

  const demandCondition = (node: Expression, user: string): void => {
    if (typeOf(node).kind === 'condition') return;
    messages.push(`${user} needs a condition: put parentheses around the comparison`);
  };

  const typeOfArithmetic = (node: Extract<Expression, { kind: 'arithmetic' }>): Quantity => {
    const left = quantityOf(node.left, node.operator);
    const right = quantityOf(node.right, node.operator);
    if (node.operator === '+' || node.operator === '-') return agreeing(left, right, node.operator);
    if (left.dimension === 'any' || right.dimension === 'any') return any;
    const sign = node.operator === '*' ? 1 : -1;
    return {
      kind: 'quantity',
      written: 'computed',
      dimension: {
        time: left.dimension.time + sign * right.dimension.time,
        data: left.dimension.data + sign * right.dimension.data,
      },
    };
  };

  const agreeing = (left: Quantity, right: Quantity, user: string): Quantity => {
    const found = mismatch(left, right);
    if (found) messages.push(`${user} cannot join ${found}`);
    return left.dimension === 'any' || left.written === 'bare' ? right : left;
  };

  const checkComparison = (node: Extract<Expression, { kind: 'compare' }>): void => {
    const left = quantityOf(node.left, node.operator);
    const right = quantityOf(node.right, node.operator);
    const found = mismatch(left, right);
    if (found) messages.push(`${node.operator} compares ${found}`);
    for (const [side, other] of [
      [node.left, node.right],
      [node.right, node.left],
    ] as const) {
      if (side.kind !== 'signal' || other.kind !== 'number') continue;
      const unit = unitOfNumber(other);
      if (units.get(side.name) === 'unknown' && unit) inferred.set(side.name, unit);
      if (units.get(side.name) !== 'ratio' || other.written !== 'bare') continue;
      if (Math.abs(other.value) <= 1) continue;
      messages.push(
        `${side.name} is a ratio between 0 and 1; did you mean ${other.value} percent?`,
      );
    }
  };

  return { messages, inferred, typeOf };
};

const writtenIn = (node: Expression): Quantity['written'] =>
  node.kind === 'number' ? node.written : 'computed';

/** Undefined when both fit; a plain number fits what is counted, per second or not. */
const mismatch = (left: Quantity, right: Quantity): string | undefined => {
  if (left.dimension === 'any' || right.dimension === 'any') return undefined;
  if (sameDimension(left.dimension, right.dimension)) return undefined;
  for (const [number, other] of [
    [left, right.dimension],
    [right, left.dimension],
  ] as const) {
    if (number.written !== 'bare') continue;
    if (other.data === 0 && other.time === -1) return undefined;
    return `${nameOf(other)} with a number that has no unit${example(other)}`;
  }
  return `${nameOf(left.dimension)} with ${nameOf(right.dimension)}`;
};

const sameDimension = (left: Dimension, right: Dimension): boolean =>
  left.time === right.time && left.data === right.data;

const nameOf = ({ time, data }: Dimension): string => {
  if (time === 0 && data === 0) return 'a plain number';
  if (time === 1 && data === 0) return 'a duration';
  if (time === 0 && data === 1) return 'an amount of data';
  if (time === -1 && data === 0) return 'a rate';
  return time === -1 && data === 1 ? 'a data rate' : 'a mixed unit';
};

const example = ({ time, data }: Dimension): string => {
  if (time === 1 && data === 0) return ', such as 500 ms';
  return time === 0 && data === 1 ? ', such as 5 MiB' : '';
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
