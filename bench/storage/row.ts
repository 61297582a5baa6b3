/** A line of the table: what is required, what is aimed at, what was measured. Less is better. */
export const row = (
  what: string,
  [required, aim]: readonly [required: number, aim: number],
  measured: number,
  unit: string,
): string => {
  const reached = measured <= aim ? 'aim' : measured <= required ? 'required' : 'NOT REACHED';
  return line(what, `≤ ${required} | ${aim} ${unit}`, measured, reached);
};

/** The same where more is better. */
export const more = (
  what: string,
  [required, aim]: readonly [required: number, aim: number],
  measured: number,
  unit: string,
): string => {
  const reached = measured >= aim ? 'aim' : measured >= required ? 'required' : 'NOT REACHED';
  return line(what, `≥ ${required} | ${aim} ${unit}`, measured, reached);
};

const line = (what: string, wanted: string, measured: number, reached: string): string =>
  `${what.padEnd(44)} ${wanted.padEnd(18)} ${measured.toFixed(2).padStart(9)}  ${reached}`;
