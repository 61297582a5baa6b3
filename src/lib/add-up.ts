import type { Attributes, Observation } from './meter.ts';

/** One observation for each set of attributes: the sum of those that were made. */
export const addUp = (observations: readonly Observation[]): readonly Observation[] => {
  const sums = new Map<string, { value: number; readonly attributes: Attributes }>();
  for (const { value, attributes = {} } of observations) {
    const key = attributesKey(attributes);
    const sum = sums.get(key);
    if (sum) sum.value += value;
    else sums.set(key, { value, attributes });
  }
  return [...sums.values()];
};

/** The same for the same attributes in the same order, and for no others. */
export const attributesKey = (attributes: Attributes): string => {
  let key = '';
  for (const name in attributes) key += `\0${name}\0${attributes[name]}`;
  return key;
};
