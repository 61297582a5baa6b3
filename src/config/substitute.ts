export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `${NAME}` and `${NAME:-default}` (the default also stands in for an empty variable).
 * `$${` writes `${`. Throws when a variable without default is not set; the message never holds a
 * value, only names.
 */
export const substituteFrom =
  (environment: Environment) =>
  (text: string): string =>
    text.replaceAll(
      /\$(\$\{)|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g,
      (_, escaped: string | undefined, name: string, otherwise: string | undefined) => {
        if (escaped !== undefined) return escaped;
        const value = environment[name];
        if (value !== undefined && (value !== '' || otherwise === undefined)) return value;
        if (otherwise !== undefined) return otherwise;
        throw new Error(
          `environment variable ${name} is not set; set it or write \${${name}:-default}`,
        );
      },
    );

/** A substitution that knows afterwards which texts the environment had a part in. */
export interface RememberingSubstitute {
  readonly replace: (text: string) => string;
  readonly gave: (text: string) => boolean;
}

export const rememberSubstitutes = (
  substitute: (text: string) => string,
): RememberingSubstitute => {
  const given = new Set<string>();
  return {
    replace: (text) => {
      const replaced = substitute(text);
      if (replaced !== text) given.add(replaced);
      return replaced;
    },
    gave: (text) => given.has(text),
  };
};
