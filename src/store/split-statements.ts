/** Quoted text, comments and heredocs as one token each; a semicolon in them ends nothing. */
const tokens =
  /(?<comment>--[^\n]*|#[! ][^\n]*|\/\*[^]*?\*\/)|(?<quoted>'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^]|"")*"|`(?:[^`\\]|\\[^]|``)*`|\$(?<tag>\w*)\$[^]*?\$\k<tag>\$)|(?<end>;)|[^]/g;

/** The statements of an SQL text without comments and without the semicolons between them. */
export const splitStatements = (text: string): readonly string[] => {
  const statements: string[] = [''];
  for (const { 0: token, groups } of text.matchAll(tokens)) {
    if (groups?.['end'] !== undefined) statements.push('');
    else statements[statements.length - 1] += groups?.['comment'] === undefined ? token : ' ';
  }
  return statements.map(tidy).filter((it) => it !== '');
};

/** Comments and empty placeholders leave blanks at line ends; nothing inside quotes ends a line so. */
const tidy = (statement: string): string => statement.replaceAll(/[ \t]+$/gm, '').trim();
