import type { Arena } from './arena.ts';
import type { Attributes } from './attributes.ts';
import { FixedColumn } from './columns.ts';
import { MapColumn } from './map-column.ts';
import type { Columns } from './native.ts';
import type { Rejections } from './rejections.ts';
import { TextColumn } from './text-column.ts';
import { bytesField, varintField, type Wire } from './wire.ts';
import { WordColumn } from './word-column.ts';

/** The columns that a row has from its resource and its scope. */
export class Envelope {
  readonly serviceName: WordColumn;
  readonly resourceAttributes: MapColumn<WordColumn>;
  readonly resourceSchemaUrl: WordColumn;
  readonly scopeName: WordColumn;
  readonly scopeVersion: WordColumn;
  readonly scopeAttributes: MapColumn<TextColumn>;
  readonly scopeDroppedAttributes: FixedColumn;
  readonly scopeSchemaUrl: WordColumn;

  constructor(arena: Arena) {
    this.serviceName = new WordColumn(arena);
    this.resourceAttributes = new MapColumn(arena, new WordColumn(arena));
    this.resourceSchemaUrl = new WordColumn(arena);
    this.scopeName = new WordColumn(arena);
    this.scopeVersion = new WordColumn(arena);
    this.scopeAttributes = new MapColumn(arena, new TextColumn(arena));
    this.scopeDroppedAttributes = new FixedColumn(arena, 'UInt32');
    this.scopeSchemaUrl = new WordColumn(arena);
  }
}

/** One ClickHouse table being filled. */
export interface Table {
  readonly name: string;
  readonly columns: Columns;
  readonly envelope: Envelope;
  readonly rows: () => number;
}

/** What every signal is read with. */
interface EnvelopeTools {
  readonly arena: Arena;
  readonly wire: Wire;
  readonly attributes: Attributes;
  readonly rejections: Rejections;
}

/** What a signal does with one span, metric or log record. */
export interface ItemWalker {
  readonly tables: readonly Table[];
  readonly item: (position: number, end: number) => void;
  /** Called before the items of a resource, with the message that holds them and it. */
  readonly resource?: (position: number, end: number) => void;
}

// The three signals use the same field numbers down to their items.
const resourceItems = bytesField(1);
const resource = bytesField(1);
const scopeItems = bytesField(2);
const scope = bytesField(1);
const items = bytesField(2);
const schemaUrl = bytesField(3);
const resourceAttribute = bytesField(1);
const scopeName = bytesField(1);
const scopeVersion = bytesField(2);
const scopeAttribute = bytesField(3);
const scopeDropped = varintField(4);

const serviceNameKey = new TextEncoder().encode('service.name');

/**
 * Walks an Export…ServiceRequest down to its items. A resource's or scope's own columns are written
 * once, after its items (it may follow them on the wire, and may be split), then repeated per row.
 */
export class EnvelopeWalker {
  readonly #arena: Arena;
  readonly #wire: Wire;
  readonly #attributes: Attributes;
  readonly #rejections: Rejections;
  readonly #signal: ItemWalker;

  constructor({ arena, wire, attributes, rejections }: EnvelopeTools, signal: ItemWalker) {
    this.#arena = arena;
    this.#wire = wire;
    this.#attributes = attributes;
    this.#rejections = rejections;
    this.#signal = signal;
    for (const { envelope } of signal.tables) {
      attributes.protect(envelope.resourceAttributes, 'resource');
      attributes.protect(envelope.scopeAttributes, 'scope');
    }
  }

  request(end: number): void {
    this.#wire.each(0, end, resourceItems, this.#resource);
  }

  #resource = (position: number, end: number): void => {
    this.#signal.resource?.(position, end);
    this.#wire.each(position, end, scopeItems, this.#scope);
    const rejections = this.#rejections;
    if (rejections.isOpen) rejections.endResource(rejections.samples.serviceName(position, end));
    for (const table of this.#signal.tables) {
      const rows = table.rows() - table.envelope.serviceName.rows();
      if (rows > 0) this.#fillResource(table.envelope, rows, position, end);
    }
  };

  #scope = (position: number, end: number): void => {
    this.#wire.each(position, end, items, this.#signal.item);
    for (const table of this.#signal.tables) {
      const rows = table.rows() - table.envelope.scopeName.rows();
      if (rows > 0) this.#fillScope(table.envelope, rows, position, end);
    }
  };

  #fillResource(to: Envelope, rows: number, position: number, end: number): void {
    const { keys, values } = to.resourceAttributes;
    const keysFrom = keys.region.at - keys.region.base;
    const valuesFrom = values.region.at - values.region.base;
    let isNamed = false;
    this.#wire.each(position, end, resource, (from, till) =>
      this.#wire.each(from, till, resourceAttribute, (from, till) => {
        this.#attributes.putWords(to.resourceAttributes, from, till);
        if (isNamed || !this.#attributes.keyIs(serviceNameKey)) return;
        this.#attributes.putLastValue(to.serviceName);
        isNamed = true;
      }),
    );
    to.resourceAttributes.endRows(rows, keysFrom, valuesFrom);
    if (!isNamed) to.serviceName.put(position, 0);
    to.serviceName.repeatLast(rows - 1);
    this.#fillString(to.resourceSchemaUrl, rows, position, end, schemaUrl);
  }

  #fillScope(to: Envelope, rows: number, position: number, end: number): void {
    const { keys, values } = to.scopeAttributes;
    const keysFrom = keys.region.at - keys.region.base;
    const valuesFrom = values.region.at - values.region.base;
    let scopeAt = position;
    let scopeEnd = position;
    let dropped = 0;
    this.#wire.each(position, end, scope, (from, till) => {
      scopeAt = from;
      scopeEnd = till;
      this.#wire.each(from, till, scopeAttribute, (from, till) =>
        this.#attributes.put(to.scopeAttributes, from, till),
      );
      dropped = this.#number(from, till, scopeDropped);
    });
    to.scopeAttributes.endRows(rows, keysFrom, valuesFrom);
    this.#fillString(to.scopeName, rows, scopeAt, scopeEnd, scopeName);
    this.#fillString(to.scopeVersion, rows, scopeAt, scopeEnd, scopeVersion);
    this.#fillString(to.scopeSchemaUrl, rows, position, end, schemaUrl);
    this.#arena.putUint32(to.scopeDroppedAttributes.region, dropped);
    this.#arena.repeat(to.scopeDroppedAttributes.region, 4, rows - 1);
  }

  /** Fills a column with the last string in field `wanted`, or with empty ones. */
  #fillString(
    column: WordColumn,
    rows: number,
    position: number,
    end: number,
    wanted: number,
  ): void {
    let at = position;
    let length = 0;
    this.#wire.each(position, end, wanted, (from, till) => {
      at = from;
      length = till - from;
    });
    column.fill(at, length, rows);
  }

  #number(position: number, end: number, wanted: number): number {
    const wire = this.#wire;
    let value = 0;
    let p = position;
    while (p < end) {
      const tag = wire.varint(p);
      const at = wire.pos;
      p = wire.skip(tag, at, end);
      if (tag === wanted) value = wire.varint(at);
    }
    return value;
  }
}
