import { Fault } from '../lib/fault.ts';

/** `position` counts bytes from the start of the (decompressed) request. */
export const malformed = (position: number, what: string): Fault =>
  new Fault('ERR_OTLP_MALFORMED', `malformed OTLP request at byte ${position}: ${what}`, {
    remedy: 'reject',
  });

export const tooLarge = (what: string): Fault =>
  new Fault('ERR_OTLP_TOO_LARGE', `the request is too large: ${what}`, { remedy: 'reject' });

/** More distinct words than this block's index width can number. The builder cuts or widens. */
export const dictionaryFull = (): Fault =>
  new Fault('ERR_DICTIONARY_FULL', 'a column has too many distinct words for one block', {
    remedy: 'retry',
  });

/** `path` names the place in the document: `['resourceSpans', 0, 'scopeSpans']`. */
export const malformedJson = (path: readonly (string | number)[], what: string): Fault => {
  const place = path.map((it) => (typeof it === 'number' ? `[${it}]` : `.${it}`)).join('');
  const at = place === '' ? '' : ` at ${place.slice(1, placeCharactersMax)}`;
  return new Fault('ERR_OTLP_MALFORMED', `malformed OTLP request${at}: ${what}`, {
    remedy: 'reject',
  });
};

const placeCharactersMax = 300;
