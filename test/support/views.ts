import type { Query } from '../../src/model/query.ts';

export interface ViewCall {
  readonly name: string;
  /** What stands after FROM: the name, with a value for each parameter where the view has some. */
  readonly from: string;
}

/** Values for parameters that mean something, by name; others by what their type begins with. */
const values: readonly (readonly [RegExp, string])[] = [
  [/^metric:/, "'requests'"],
  [/^tier:/, "'1m'"],
  [/^from:DateTime/, "'2026-11-21 09:00:00'"],
  [/:DateTime/, "'2026-11-21 11:00:00'"],
  [/:Date/, "'2026-11-21'"],
  [/:Array/, "['host']"],
  [/:(Int|UInt|Float)/, '1'],
  [/:/, "'a'"],
];

/** Every view that people read, ready to be read. */
export const viewsOf = async (inspect: Query, database: string): Promise<readonly ViewCall[]> => {
  const views = await inspect<{ name: string; sql: string }>(
    'SELECT name, as_select AS sql FROM system.tables ' +
      "WHERE database = {database:String} AND engine = 'View' ORDER BY name",
    { parameters: { database }, timeoutMs: 20_000 },
  );
  return views.map(({ name, sql }) => {
    const parameters = new Set(sql.matchAll(/\{(\w+:[^{}]+)\}/g).map(([, it = '']) => it));
    const given = [...parameters].map((parameter) => {
      const value = values.find(([pattern]) => pattern.test(parameter))?.[1];
      return `${parameter.split(':')[0]} = ${value}`;
    });
    return { name, from: given.length === 0 ? name : `${name}(${given.join(', ')})` };
  });
};
