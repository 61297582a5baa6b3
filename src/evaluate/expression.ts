import {
  create,
  type MathNode,
  type OperatorNode,
  parseDependencies,
  type RelationalNode,
  type SymbolNode,
  unitDependencies,
} from 'mathjs';

/** Exponents of time and data: a duration is {time: 1, data: 0}, a rate {time: -1, data: 0}. */
export interface Dimension {
  readonly time: number;
  readonly data: number;
}

export type Comparison = '<' | '<=' | '>' | '>=' | '==' | '!=';
export type Arithmetic = '+' | '-' | '*' | '/';

const functionNames = ['abs', 'min', 'max', 'coalesce'] as const;
export type FunctionName = (typeof functionNames)[number];

/** What is left of mathjs' syntax tree: enough for conditions, too little to do harm. */
export type Expression =
  | {
      readonly kind: 'number';
      /** In base units: seconds, bytes, ratio. */
      readonly value: number;
      readonly dimension: Dimension;
      /** How it was written decides what it may be compared with. */
      readonly written: 'bare' | 'percent' | 'unit';
    }
  | { readonly kind: 'signal'; readonly name: string }
  | { readonly kind: 'negate'; readonly of: Expression }
  | {
      readonly kind: 'arithmetic';
      readonly operator: Arithmetic;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'call';
      readonly name: FunctionName;
      readonly parts: readonly Expression[];
    }
  | {
      readonly kind: 'compare';
      readonly operator: Comparison;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly of: Expression };

export type ExpressionReading =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly message: string };

const expressionCharsMax = 2_000;
const expressionDepthMax = 40;

/** Only the parser and the table of units: nothing of mathjs ever evaluates a text. */
const math = create({ ...parseDependencies, ...unitDependencies }, {});

/**
 * Reads the text of a condition with mathjs' grammar. `percent`, `%` and `per second` are understood;
 * a name right after a number is a unit, any other name a signal or, failing that, a unit.
 */
export const parseExpression = (text: string, signals: readonly string[]): ExpressionReading => {
  if (text.length > expressionCharsMax) {
    return { ok: false, message: `longer than ${expressionCharsMax} characters` };
  }
  try {
    const tree = math.parse(unabbreviated(text));
    return { ok: true, expression: convert(tree, { signals: new Set(signals), depth: 0 }) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, message: reason };
  }
};

/**
 * mathjs takes `5 % and x > 1` for a modulo of a product with `and`, so `%` after a number is
 * spelled out before it parses.
 */
const unabbreviated = (text: string): string =>
  text.replaceAll(/(\d\.?)\s*%/g, '$1 percent ').replaceAll(/\bper\b/g, '/');

interface Context {
  readonly signals: ReadonlySet<string>;
  readonly depth: number;
}

const convert = (node: MathNode, outer: Context): Expression => {
  if (outer.depth > expressionDepthMax) {
    throw new Error(`nested deeper than ${expressionDepthMax} levels`);
  }
  const context = { ...outer, depth: outer.depth + 1 };
  switch (node.type) {
    case 'ParenthesisNode':
      return convert(childrenOf(node)[0] ?? node, context);
    case 'ConstantNode':
      return convertConstant(node);
    case 'SymbolNode':
      return convertName(nameOf(node), context);
    case 'OperatorNode':
      return convertOperator(node as OperatorNode, context);
    case 'RelationalNode':
      return convertChain(node as unknown as RelationalNode, context);
    case 'FunctionNode':
      return convertCall(node, context);
    default:
      throw new Error(`${node.type.replace(/Node$/, '').toLowerCase()} is not possible here`);
  }
};

const childrenOf = (node: MathNode): readonly MathNode[] => {
  const children: MathNode[] = [];
  node.forEach((child) => {
    children.push(child);
  });
  return children;
};

const nameOf = (node: MathNode): string => (node as SymbolNode).name;

const convertConstant = (node: MathNode): Expression => {
  const value: unknown = 'value' in node ? node.value : undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new Error(`${node.toString()} is not a number`);
  }
  return { kind: 'number', value, dimension: { time: 0, data: 0 }, written: 'bare' };
};

const convertName = (name: string, context: Context): Expression => {
  if (context.signals.has(name)) return { kind: 'signal', name };
  return unitNamed(name) ?? { kind: 'signal', name };
};

const comparisons: ReadonlySet<string> = new Set(['<', '<=', '>', '>=', '==', '!=']);
const arithmetics: ReadonlySet<string> = new Set(['+', '-', '*', '/']);

const convertOperator = (node: OperatorNode, context: Context): Expression => {
  const operator: string = node.op;
  const [first, second] = childrenOf(node);
  if (!first) throw new Error(`${operator} lacks an operand`);
  if (!second) {
    if (operator === 'not') return { kind: 'not', of: convert(first, context) };
    if (operator === '+') return convert(first, context);
    if (operator === '-') return negated(convert(first, context));
    throw new Error(`the operator ${operator} is not possible here`);
  }
  if (node.implicit) return convertImplicit(first, second, context);
  const [left, right] = [convert(first, context), convert(second, context)];
  if (operator === 'and' || operator === 'or') return { kind: operator, left, right };
  if (comparisons.has(operator)) {
    return { kind: 'compare', operator: operator as Comparison, left, right };
  }
  if (arithmetics.has(operator)) return folded(operator as Arithmetic, left, right);
  throw new Error(`the operator ${operator} is not possible here`);
};

/** `500 ms`, and nothing else, may be written without an operator between. */
const convertImplicit = (first: MathNode, second: MathNode, context: Context): Expression => {
  const number = convert(first, context);
  const unit = second.type === 'SymbolNode' ? unitNamed(nameOf(second)) : undefined;
  if (number.kind === 'number' && number.written === 'bare' && unit?.kind === 'number') {
    return { ...unit, value: number.value * unit.value };
  }
  if (number.kind === 'number' && second.type === 'SymbolNode') {
    throw new Error(`unknown unit ${nameOf(second)} in ${first.toString()} ${nameOf(second)}`);
  }
  throw new Error(`an operator is missing between ${first.toString()} and ${second.toString()}`);
};

const convertChain = (node: RelationalNode, context: Context): Expression => {
  const operands = node.params.map((it) => convert(it, context));
  const names: Readonly<Record<string, Comparison>> = {
    smaller: '<',
    smallerEq: '<=',
    larger: '>',
    largerEq: '>=',
    equal: '==',
    unequal: '!=',
  };
  return node.conditionals
    .map((name, index): Expression => {
      const [operator, left, right] = [names[name], operands[index], operands[index + 1]];
      if (!operator || !left || !right) throw new Error(`${name} is not possible here`);
      return { kind: 'compare', operator, left, right };
    })
    .reduce((left, right) => ({ kind: 'and', left, right }));
};

const convertCall = (node: MathNode, context: Context): Expression => {
  const callee: unknown = 'fn' in node ? node.fn : undefined;
  const name = callee instanceof Object && 'name' in callee ? String(callee.name) : '?';
  const known = functionNames.find((it) => it === name);
  if (!known) {
    throw new Error(`unknown function ${name}; there are ${functionNames.join(', ')}`);
  }
  const parts = childrenOf(node)
    .filter((it) => it !== callee)
    .map((it) => convert(it, context));
  const [least, most] = known === 'abs' ? [1, 1] : [2, 16];
  if (parts.length < least || parts.length > most) {
    throw new Error(`${known} takes ${least === most ? least : `at least ${least}`} arguments`);
  }
  return { kind: 'call', name: known, parts };
};

const negated = (of: Expression): Expression =>
  of.kind === 'number' ? { ...of, value: -of.value } : { kind: 'negate', of };

/** Keeps `50 / s` and `2 * 24 h` numbers, so that they can be told from computed values. */
const folded = (operator: Arithmetic, left: Expression, right: Expression): Expression => {
  const foldable = operator === '*' || operator === '/';
  if (!foldable || left.kind !== 'number' || right.kind !== 'number') {
    return { kind: 'arithmetic', operator, left, right };
  }
  const sign = operator === '*' ? 1 : -1;
  return {
    kind: 'number',
    value: left.value * right.value ** sign,
    dimension: {
      time: left.dimension.time + sign * right.dimension.time,
      data: left.dimension.data + sign * right.dimension.data,
    },
    written:
      left.written === 'bare' && right.written === 'bare'
        ? 'bare'
        : left.written === 'percent' || right.written === 'percent'
          ? 'percent'
          : 'unit',
  };
};

/** Durations as the rest of the file writes them; in mathjs `m` alone would be a metre. */
const shortUnits: ReadonlyMap<string, string> = new Map([
  ['m', 'minute'],
  ['d', 'day'],
  ['w', 'week'],
]);

const unitNamed = (name: string): Extract<Expression, { kind: 'number' }> | undefined => {
  if (name === 'percent') {
    return { kind: 'number', value: 0.01, dimension: { time: 0, data: 0 }, written: 'percent' };
  }
  if (name === 'y' || name === 'year' || name === 'years') return time(365 * 86_400);
  const known = shortUnits.get(name) ?? name;
  if (!/^[A-Za-z]+$/.test(known)) return undefined;
  try {
    const unit = math.unit(1, known).toJSON();
    if (unit.unit !== known) return undefined;
    if (math.unit(1, known).equalBase(math.unit(1, 's'))) {
      return time(math.unit(1, known).toNumber('s'));
    }
    if (math.unit(1, known).equalBase(math.unit(1, 'B'))) {
      const value = math.unit(1, known).toNumber('B');
      return { kind: 'number', value, dimension: { time: 0, data: 1 }, written: 'unit' };
    }
  } catch {
    // mathjs has no other way to say that it does not know a unit.
  }
  return undefined;
};

const time = (seconds: number): Extract<Expression, { kind: 'number' }> => ({
  kind: 'number',
  value: seconds,
  dimension: { time: 1, data: 0 },
  written: 'unit',
});
