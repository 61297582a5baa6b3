import {
  AnyValue,
  arrayValue,
  boolValue,
  doubleValue,
  intValue,
  kvlistValue,
  none,
  stringValue,
} from './any-value.ts';
import type { Arena } from './arena.ts';
import type { KeyGuard } from './key-guard.ts';
import { putPlainStrings } from './plain-strings.ts';
import type { PlaceRules } from './redaction.ts';
import { type TextColumn } from './text-column.ts';
import { safeHigh, ValueTexts } from './value-texts.ts';
import { type Wire } from './wire.ts';
import { type WordColumn } from './word-column.ts';

/**
 * AnyValue as the collector's ClickHouse exporter renders it (pdata `Value.AsString`): text as it
 * is, numbers as JavaScript writes them, bytes as base64, arrays and maps as JSON with sorted keys.
 * Only NaN and infinities in arrays and maps differ: Go's JSON cannot say them, so that the exporter
 * stores an empty text for the whole value; here they are strings and the rest is kept.
 */
export class Values {
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #value: AnyValue;
  readonly #texts: ValueTexts;

  constructor(arena: Arena, wire: Wire) {
    this.#arena = arena;
    this.#wire = wire;
    this.#value = new AnyValue(arena, wire);
    this.#texts = new ValueTexts(arena, wire, this.#value);
  }

  /** `guard` redacts the members of arrays and maps, which belong to the key `id`. */
  putText(
    column: TextColumn,
    position: number,
    end: number,
    guard: KeyGuard | undefined,
    id: number,
  ): void {
    const { view } = this.#arena;
    // Nearly every value is a short string and nothing else.
    if (view.getUint8(position) === stringValue) {
      const length = view.getUint8(position + 1);
      if (length < 128 && position + 2 + length === end) {
        return column.put(position + 2, length);
      }
    }
    const value = this.#value;
    value.locate(position, end);
    switch (value.kind) {
      case stringValue:
        return column.put(value.at, value.end - value.at);
      case none:
        return column.putEmpty();
      case boolValue:
        return column.putBool(value.bool());
      case intValue: {
        const wire = this.#wire;
        wire.varint64(value.at);
        if (wire.high < safeHigh) return column.putInteger(wire.high * 0x1_0000_0000 + wire.low);
        return column.putText(this.#texts.located(0));
      }
      case doubleValue:
        if (column.putShortDouble(value.at)) return;
        return column.putText(this.#texts.located(0));
      case arrayValue:
        if (putPlainStrings(this.#arena, column.region, value.at, value.end)) return;
        return column.putText(this.#guarded(position, end, guard, id));
      default:
        return column.putText(this.#guarded(position, end, guard, id));
    }
  }

  putWord(
    column: WordColumn,
    position: number,
    end: number,
    guard: KeyGuard | undefined,
    id: number,
  ): void {
    const value = this.#value;
    value.locate(position, end);
    if (value.kind === stringValue) return column.put(value.at, value.end - value.at);
    column.putText(this.#guarded(position, end, guard, id));
  }

  /** Text of the value at hand. */
  #guarded(position: number, end: number, guard: KeyGuard | undefined, id: number): string {
    if (guard === undefined) return this.#texts.located(0);
    return this.#texts.nestedText(position, end, guard.rules, guard.key(id)) ?? '';
  }

  stringText(position: number, length: number): string {
    return this.#texts.utf8(position, position + length);
  }

  /** The whole value as text. */
  text(position: number, end: number): string {
    this.#value.locate(position, end);
    return this.#texts.located(0);
  }

  /** The text of a string or an integer; empty for all that patterns are not for. */
  plainText(position: number, end: number): string {
    const value = this.#value;
    value.locate(position, end);
    return value.kind === stringValue || value.kind === intValue ? this.#texts.located(0) : '';
  }

  /** Whether this is an array or a map: other values are told at a glance. */
  isNested(position: number, end: number): boolean {
    const { view } = this.#arena;
    switch (view.getUint8(position)) {
      case stringValue: {
        const length = view.getUint8(position + 1);
        if (length < 128 && position + 2 + length === end) return false;
        break;
      }
      case doubleValue:
        if (position + 9 === end) return false;
        break;
      case boolValue:
        if (position + 2 === end) return false;
        break;
      case intValue: {
        let last = position + 1;
        while (last < end && view.getUint8(last) > 127) last += 1;
        if (last + 1 === end) return false;
        break;
      }
    }
    const value = this.#value;
    value.locate(position, end);
    return value.kind === arrayValue || value.kind === kvlistValue;
  }

  /** As of `ValueTexts`. */
  nestedText(position: number, end: number, rules: PlaceRules, key: string): string | undefined {
    return this.#texts.nestedText(position, end, rules, key);
  }
}
