/*
 * Where things stand in the memory that this code shares with span-machine.ts, which has the same
 * lists: regions of 16 bytes (base, cursor, limit), then dictionaries of 32 bytes (words, place of
 * the words, capacity, record of the word before), then powers of ten, then what the arena holds.
 */
export const regionsAt: usize = 1024;
export const dictionariesAt: usize = 2560;
export const powersAt: usize = 4096;

export const serviceName: usize = regionsAt + 16 * 0;
export const resourceKeys: usize = regionsAt + 16 * 1;
export const resourceValues: usize = regionsAt + 16 * 2;
export const resourceEnds: usize = regionsAt + 16 * 3;
export const resourceSchemaUrl: usize = regionsAt + 16 * 4;
export const scopeName: usize = regionsAt + 16 * 5;
export const scopeVersion: usize = regionsAt + 16 * 6;
export const scopeKeys: usize = regionsAt + 16 * 7;
export const scopeValues: usize = regionsAt + 16 * 8;
export const scopeEnds: usize = regionsAt + 16 * 9;
export const scopeDropped: usize = regionsAt + 16 * 10;
export const scopeSchemaUrl: usize = regionsAt + 16 * 11;
export const time: usize = regionsAt + 16 * 12;
export const traceId: usize = regionsAt + 16 * 13;
export const spanId: usize = regionsAt + 16 * 14;
export const parentSpanId: usize = regionsAt + 16 * 15;
export const traceState: usize = regionsAt + 16 * 16;
export const spanName: usize = regionsAt + 16 * 17;
export const spanKind: usize = regionsAt + 16 * 18;
export const keys: usize = regionsAt + 16 * 19;
export const values: usize = regionsAt + 16 * 20;
export const ends: usize = regionsAt + 16 * 21;
export const duration: usize = regionsAt + 16 * 22;
export const statusCode: usize = regionsAt + 16 * 23;
export const statusMessage: usize = regionsAt + 16 * 24;
export const eventTime: usize = regionsAt + 16 * 25;
export const eventName: usize = regionsAt + 16 * 26;
export const eventKeys: usize = regionsAt + 16 * 27;
export const eventValues: usize = regionsAt + 16 * 28;
export const eventMapEnds: usize = regionsAt + 16 * 29;
export const eventEnds: usize = regionsAt + 16 * 30;
export const linkTraceId: usize = regionsAt + 16 * 31;
export const linkSpanId: usize = regionsAt + 16 * 32;
export const linkTraceState: usize = regionsAt + 16 * 33;
export const linkKeys: usize = regionsAt + 16 * 34;
export const linkValues: usize = regionsAt + 16 * 35;
export const linkMapEnds: usize = regionsAt + 16 * 36;
export const linkEnds: usize = regionsAt + 16 * 37;
export const flagsColumn: usize = regionsAt + 16 * 38;
export const droppedAttributesColumn: usize = regionsAt + 16 * 39;
export const droppedEventsColumn: usize = regionsAt + 16 * 40;
export const droppedLinksColumn: usize = regionsAt + 16 * 41;
export const adjustedCount: usize = regionsAt + 16 * 42;

/** From here on, the words of each dictionary, and from there on, its table. */
export const wordsFrom: usize = 43;
export const tablesFrom: usize = 56;

export const serviceNames: usize = dictionariesAt + 32 * 0;
export const resourceKeyWords: usize = dictionariesAt + 32 * 1;
export const resourceValueWords: usize = dictionariesAt + 32 * 2;
export const resourceSchemaUrls: usize = dictionariesAt + 32 * 3;
export const scopeNames: usize = dictionariesAt + 32 * 4;
export const scopeVersions: usize = dictionariesAt + 32 * 5;
export const scopeKeyWords: usize = dictionariesAt + 32 * 6;
export const scopeSchemaUrls: usize = dictionariesAt + 32 * 7;
export const spanNames: usize = dictionariesAt + 32 * 8;
export const keyWords: usize = dictionariesAt + 32 * 9;
export const eventNames: usize = dictionariesAt + 32 * 10;
export const eventKeyWords: usize = dictionariesAt + 32 * 11;
export const linkKeyWords: usize = dictionariesAt + 32 * 12;
