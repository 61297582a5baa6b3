import { parseExpression } from '../expression.ts';
import type { Unit } from '../rules/plan.ts';

export type QuantityReading =
  | { readonly ok: true; readonly value: number; readonly unit: Unit }
  | { readonly ok: false; readonly message: string };

/** Reads `300 ms`, `99.9 percent`, `50 per second` or `5 MiB` into base units. */
export const compileQuantity = (text: string): QuantityReading => {
  const reading = parseExpression(text, []);
  if (!reading.ok) return reading;
  const { expression } = reading;
  if (expression.kind !== 'number') {
    return { ok: false, message: `${text} is not a number with a known unit` };
  }
  return { ok: true, value: expression.value, unit: unitOfNumber(expression) ?? 'unknown' };
};

/** What a written number measures; undefined for a plain number and for mixed units. */
export const unitOfNumber = (number: {
  readonly dimension: { readonly time: number; readonly data: number };
  readonly written: 'bare' | 'percent' | 'unit';
}): Unit | undefined => {
  if (number.written === 'percent') return 'ratio';
  if (number.written === 'bare') return undefined;
  const { time, data } = number.dimension;
  if (data === 1 && time === 0) return 'bytes';
  if (data === 0 && time === 1) return 'seconds';
  return data === 0 && time === -1 ? 'per-second' : undefined;
};
