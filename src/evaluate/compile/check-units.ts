import { nearest } from '../../lib/nearest.ts';
import type { Dimension, Expression } from '../expression.ts';
import type { Unit } from '../rules/plan.ts';
import { unitOfNumber } from './quantity.ts';

export interface UnitCheck {
  /** What is wrong; empty when the expression is a condition whose sides fit each other. */
  readonly messages: readonly string[];
  /** Units of signals that had none, from what they are compared with. */
  readonly inferred: ReadonlyMap<string, Unit>;
}

/** Finds what is wrong with a condition before it ever runs: names, units, values for conditions. */
export const checkUnits = (expression: Expression, units: ReadonlyMap<string, Unit>): UnitCheck => {
  const { messages, inferred, typeOf } = createCheck(units);
  const type = typeOf(expression);
  if (type.kind === 'quantity' && messages.length === 0) {
    messages.push('is a value, not a condition: compare it with something');
  }
  return { messages, inferred };
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
