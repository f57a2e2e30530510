/**
 * A small reader of TypeScript source for the inspector: it knows comments, strings, templates and regular expressions,
 * and nothing else. The compiler has no JavaScript API any more, and a whole parser would be more than layers, doors and
 * sizes need.
 *
 * 1. Walk the text once; each comment, string and regular expression becomes a token.
 * 2. In `code` comments and everything inside quotes are blanked, character by character, so offsets and lines stay true.
 * 3. Questions about the code (imports, blocks, parameters) are then regular expressions over `code` that no string or
 *    comment can fool.
 */

/** Something whose inside is not code. `text` has its delimiters; `line` counts from 1. */
export interface Token {
  readonly kind: 'comment' | 'string' | 'regex';
  readonly start: number;
  readonly line: number;
  readonly text: string;
}

/** A source text taken apart. `code` is as long as the text, with the inside of every token blanked. */
export interface SourceText {
  readonly code: string;
  readonly tokens: readonly Token[];
}

/** One import or re-export: what it names and where it stands. */
export interface ImportLine {
  readonly specifier: string;
  readonly line: number;
  readonly reExports: boolean;
}

/** A function that spans several lines, from the line that opens it to the line that closes it. */
export interface FunctionSpan {
  readonly line: number;
  readonly lines: number;
  readonly opening: string;
}

// A slash after one of these opens a regular expression; after a value it divides.
const beforeRegex = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|await|yield))\s*$/;

/** Takes `text` apart. Never throws: an unclosed token ends with the text. */
export function readSource(text: string): SourceText {
  const tokens: Token[] = [];
  const code: string[] = [];
  let at = 0;
  let line = 1;
  /** For every open template substitution, how many braces are open inside it. */
  const substitutions: number[] = [];

  const take = (end: number, kind?: Token['kind']): void => {
    const piece = text.slice(at, end);
    if (kind !== undefined) tokens.push({ kind, start: at, line, text: piece });
    code.push(kind === undefined ? piece : blank(piece, kind));
    line += piece.split('\n').length - 1;
    at = end;
  };

  while (at < text.length) {
    const c = text[at]!;
    const depth = substitutions.at(-1);
    if (c === '/' && text[at + 1] === '/') take(endOf(text, at, /\n|$/g), 'comment');
    else if (c === '/' && text[at + 1] === '*') take(endOf(text, at + 2, /\*\/|$/g, true), 'comment');
    else if (c === "'" || c === '"') take(endOf(text, at, c === "'" ? /'(?:[^'\\\n]|\\.)*'?/gs : /"(?:[^"\\\n]|\\.)*"?/gs, true), 'string');
    else if (c === '`' || (c === '}' && depth === 0)) {
      if (c === '}') substitutions.pop();
      const end = endOf(text, at + 1, /(?:[^`\\$]|\\.|\$(?!\{))*(?:`|\$\{|$)/gs, true);
      if (text.endsWith('${', end)) substitutions.push(0);
      take(end, 'string');
    } else if (c === '/' && beforeRegex.test(code.slice(-40).join('').slice(-40))) {
      take(endOf(text, at, /\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g, true), 'regex');
    } else {
      if (depth !== undefined && c === '{') substitutions[substitutions.length - 1] = depth + 1;
      if (depth !== undefined && c === '}') substitutions[substitutions.length - 1] = depth - 1;
      take(at + 1);
    }
  }
  return { code: code.join(''), tokens };
}

/** Where the first match of `pattern` from `from` on begins or, with `after`, ends; always ahead of `from`. */
function endOf(text: string, from: number, pattern: RegExp, after = false): number {
  pattern.lastIndex = from;
  const match = pattern.exec(text);
  if (match === null) return from + 1;
  return Math.max(after ? pattern.lastIndex : match.index, from + 1, 1);
}

/** A string stays a value to whoever looks at what precedes it, so its quotes stay (as `'`, whatever they were). */
function blank(piece: string, kind: Token['kind']): string {
  const spaces = piece.replace(/[^\n]/g, ' ');
  return kind === 'comment' || piece.length < 2 ? spaces : `'${spaces.slice(1, -1)}'`;
}

/** Every module the source names: `import`, `export from`, `import()` and `import('...')` in types. */
export function importsOf(source: SourceText): ImportLine[] {
  const found: ImportLine[] = [];
  for (const token of source.tokens) {
    if (token.kind !== 'string' || !/^['"]/.test(token.text)) continue;
    const before = source.code.slice(Math.max(0, token.start - 2000), token.start);
    if (!/(?:\bfrom|\bimport|\bimport\s*\()\s*$/.test(before)) continue;
    const statement = before.slice(before.search(/(?:\bimport\b|\bexport\b)(?![\s\S]*(?:\bimport\b|\bexport\b))/));
    found.push({ specifier: token.text.slice(1, -1), line: token.line, reExports: /^export\b/.test(statement) });
  }
  return found;
}

const control = /^\s*(?:\}\s*)?(?:if|else|for|while|do|switch|try|catch|finally|with|case|default)\b/;
const opens = /\bfunction\b|=>\s*\{$|^\s*\)\s*(?::.*)?\{$|^\s*(?:(?:static|async|override|get|set)\s+)*\*?(?:[\w#$]+|\[[\w.]+\])\s*(?:<.*>)?\(.*\{$/;

/**
 * The functions of a source that span several lines, by indentation: the line that opens a block and the next line of the
 * same indentation that closes one belong together, as the formatting of this house has it.
 */
export function functionsOf(source: SourceText): FunctionSpan[] {
  const lines = source.code.split('\n').map((line) => line.trimEnd());
  const spans: FunctionSpan[] = [];
  for (const [index, opening] of lines.entries()) {
    if (!opening.endsWith('{') || control.test(opening) || !opens.test(opening)) continue;
    const indent = /^\s*/.exec(opening)![0];
    const length = lines.slice(index + 1).findIndex((line) => line.startsWith(`${indent}}`)) + 2;
    if (length > 1) spans.push({ line: index + 1, lines: length, opening: opening.trim() });
  }
  return spans;
}

/** Named functions, methods and constructors with the number of parameters they declare. */
export function parametersOf(source: SourceText): { line: number; name: string; parameters: number }[] {
  const found: { line: number; name: string; parameters: number }[] = [];
  const heads = /(?:\bfunction\*?[ ]+(?<named>[\w$]+)|^[ ]+(?:(?:static|async|override)[ ]+)*\*?(?<method>[\w#$]+))(?:<[^(){}]*>)?\(/gm;
  for (const head of source.code.matchAll(heads)) {
    const open = head.index + head[0].length;
    const { end, commas } = closing(source.code, open);
    if (!/^\)\s*(?::[^;=]*)?\{/.test(source.code.slice(end, end + 300))) continue;
    const name = head.groups!['named'] ?? head.groups!['method']!;
    if (/^(?:if|for|while|switch|catch|with)$/.test(name)) continue;
    const list = source.code.slice(open, end).trim().replace(/,$/, '');
    const parameters = list === '' ? 0 : commas + (source.code.slice(open, end).trimEnd().endsWith(',') ? 0 : 1);
    found.push({ line: source.code.slice(0, open).split('\n').length, name, parameters });
  }
  return found;
}

/** From just inside a bracket to its closing one, with the commas that stand directly inside. */
function closing(code: string, from: number): { end: number; commas: number } {
  let depth = 0;
  let commas = 0;
  for (let at = from; at < code.length; at++) {
    const c = code[at]!;
    if ('([{'.includes(c) || (c === '<' && /[\w$]/.test(code[at - 1] ?? ''))) depth++;
    else if (c === ')' && depth === 0) return { end: at, commas };
    else if (')]}'.includes(c) || (c === '>' && code[at - 1] !== '=' && depth > 0)) depth--;
    else if (c === ',' && depth === 0) commas++;
  }
  return { end: code.length, commas };
}
