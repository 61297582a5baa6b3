export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: readonly Command[] };

/** A function with its operands, or one operand alone. */
export interface Command {
  readonly name: string | undefined;
  readonly operands: readonly Operand[];
}

export type Operand =
  | { readonly kind: 'label'; readonly name: string }
  /** Without a name: the rule's first signal. */
  | { readonly kind: 'value'; readonly name: string | undefined }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'pipeline'; readonly pipeline: readonly Command[] };

export type TemplateSyntax =
  | { readonly ok: true; readonly parts: readonly Part[] }
  | { readonly ok: false; readonly message: string };

const templateCharsMax = 20_000;
const parenthesesMax = 20;

/** Splits a template into text and actions, and parses these. */
export const parseTemplate = (text: string): TemplateSyntax => {
  if (text.length > templateCharsMax) {
    return { ok: false, message: `longer than ${templateCharsMax} characters` };
  }
  try {
    return { ok: true, parts: [...partsOf(text)] };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
};

function* partsOf(text: string): Generator<Part> {
  let rest = text;
  while (rest !== '') {
    const start = rest.indexOf('{{');
    if (start < 0) return yield { kind: 'text', text: rest };
    const end = endOfAction(rest, start + 2);
    const inner = rest.slice(start + 2, end);
    const trimsBefore = /^-\s/.test(inner);
    const trimsAfter = /\s-$/.test(inner);
    const before = rest.slice(0, start);
    yield { kind: 'text', text: trimsBefore ? before.trimEnd() : before };
    const action = inner.slice(trimsBefore ? 1 : 0, trimsAfter ? -1 : undefined).trim();
    if (!/^\/\*.*\*\/$/s.test(action)) yield { kind: 'action', pipeline: parseAction(action) };
    rest = rest.slice(end + 2);
    if (trimsAfter) rest = rest.trimStart();
  }
}

/** `}}` inside a quoted text does not end an action. */
const endOfAction = (text: string, from: number): number => {
  let quote = '';
  for (let index = from; index < text.length; index += 1) {
    const character = text[index] ?? '';
    if (quote !== '') {
      if (character === '\\' && quote === '"') index += 1;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === '`') quote = character;
    else if (text.startsWith('}}', index)) return index;
  }
  throw new Error('{{ without }}');
};

const tokenPattern =
  /\s*(?:("(?:[^"\\]|\\.)*"|`[^`]*`)|([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)|(\$?[\w.]*[\w.])|([|()]))/y;

const tokensOf = (action: string): readonly string[] => {
  const tokens: string[] = [];
  let at = 0;
  while (at < action.length) {
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(action);
    if (!match) {
      if (action.slice(at).trim() === '') break;
      throw new Error(`cannot read ${action.slice(at).trim()} in {{ ${action} }}`);
    }
    tokens.push(match[0].trim());
    at = tokenPattern.lastIndex;
  }
  return tokens;
};

const parseAction = (action: string): readonly Command[] => {
  const tokens = tokensOf(action);
  const [first] = tokens;
  if (first === undefined) throw new Error('{{ }} is empty');
  if (['if', 'else', 'end', 'range', 'with', 'define', 'template', 'block'].includes(first)) {
    throw new Error(`{{ ${first} }} is not supported`);
  }
  const { pipeline, next } = parsePipeline(tokens, 0, 0);
  if (next < tokens.length) throw new Error(`unexpected ${tokens[next]} in {{ ${action} }}`);
  return pipeline;
};

interface Parsed {
  readonly pipeline: readonly Command[];
  readonly next: number;
}

const parsePipeline = (tokens: readonly string[], from: number, depth: number): Parsed => {
  if (depth > parenthesesMax) throw new Error(`more than ${parenthesesMax} parentheses deep`);
  const pipeline: Command[] = [];
  let name: string | undefined;
  let operands: Operand[] = [];
  let next = from;
  const close = () => {
    if (name === undefined && operands.length === 0) throw new Error('a | with nothing beside it');
    if (name === undefined && (operands.length > 1 || pipeline.length > 0)) {
      throw new Error('a value that is no function takes no arguments');
    }
    pipeline.push({ name, operands });
    name = undefined;
    operands = [];
  };
  for (; next < tokens.length && tokens[next] !== ')'; next += 1) {
    const token = tokens[next] ?? '';
    if (token === '|') close();
    else if (token === '(') {
      const inner = parsePipeline(tokens, next + 1, depth + 1);
      if (tokens[inner.next] !== ')') throw new Error('( without )');
      operands.push({ kind: 'pipeline', pipeline: inner.pipeline });
      next = inner.next;
    } else if (/^[A-Za-z_]\w*$/.test(token) && name === undefined && operands.length === 0) {
      name = token;
    } else operands.push(parseOperand(token));
  }
  close();
  return { pipeline, next };
};

const parseOperand = (token: string): Operand => {
  if (token.startsWith('`')) return { kind: 'text', text: token.slice(1, -1) };
  if (token.startsWith('"')) return { kind: 'text', text: unquoted(token) };
  if (/^[-+]?\d/.test(token)) return { kind: 'number', value: Number(token) };
  const [root = '', name, more, ...rest] = token.replace(/^[.$]/, '').split('.');
  // Grafana's templates say `$values.x.Value`.
  const deeper = more !== undefined && !(/^values$/i.test(root) && more === 'Value');
  if (rest.length === 0 && /^[.$]/.test(token) && !deeper) {
    if (/^labels$/i.test(root) && name) return { kind: 'label', name };
    if (/^value$/i.test(root) && name === undefined) return { kind: 'value', name: undefined };
    if (/^values$/i.test(root) && name) return { kind: 'value', name };
  }
  if (/^labels$/i.test(root) && name && deeper) {
    const label = token.replace(/^[.$]\w+\./, '').replaceAll('.', '_');
    throw new Error(`labels have underscores for dots: write $labels.${label}`);
  }
  throw new Error(`unknown ${token}; there are $labels.NAME, $value and $values.SIGNAL`);
};

const unquoted = (token: string): string => {
  try {
    return String(JSON.parse(token));
  } catch {
    throw new Error(`cannot read the text ${token}`);
  }
};
