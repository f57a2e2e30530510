/**
 * Where a text stops being JSON (RFC 8259), for messages: `JSON.parse` says it in words that differ between engines.
 *
 * One regular expression per token; a stack of open brackets instead of recursion; `expect` says which tokens may follow.
 * Slow next to `JSON.parse` and run only after it has failed.
 */

/** The first offending place of a text, as an offset in UTF-16 units, and what was expected there. */
export interface Fault {
  readonly offset: number;
  readonly expected: string;
}

type Expect = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'the end';

const token = /[ \t\r\n]*(?:(?<string>"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*")|(?<scalar>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|true\b|false\b|null\b)|(?<mark>[[\]{}:,]))/y;

/** The first place where `text` is not one JSON value; undefined when it is one. */
export function jsonFault(text: string): Fault | undefined {
  const open: string[] = [];
  let expect: Expect = 'value';
  let at = 0;
  for (;;) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (match === null) break;
    const { string, scalar, mark } = match.groups!;
    const next = step(expect, { isString: string !== undefined, isScalar: scalar !== undefined, mark, open });
    if (next === undefined) break;
    expect = next;
    at = token.lastIndex;
  }
  const offset = at + /^[ \t\r\n]*/.exec(text.slice(at))![0].length;
  return offset === text.length && expect === 'the end' ? undefined : { offset: offset + insideString(text, offset), expected: expect };
}

interface Met {
  readonly isString: boolean;
  readonly isScalar: boolean;
  readonly mark: string | undefined;
  readonly open: string[];
}

/** What may follow after a token, or undefined where it may not stand at all. */
function step(expect: Expect, { isString, isScalar, mark, open }: Met): Expect | undefined {
  const after = (): Expect => (open.length === 0 ? 'the end' : open.at(-1) === '[' ? ', or ]' : ', or }');
  const close = (): Expect => (open.pop(), after());
  switch (expect) {
    case 'value':
    case 'value or ]':
      if (isString || isScalar) return after();
      if (mark === ']' && expect === 'value or ]') return close();
      if (mark !== '[' && mark !== '{') return undefined;
      open.push(mark);
      return mark === '[' ? 'value or ]' : 'key or }';
    case 'key':
    case 'key or }':
      if (mark === '}' && expect === 'key or }') return close();
      return isString ? ':' : undefined;
    case ':':
      return mark === ':' ? 'value' : undefined;
    case ', or ]':
      return mark === ',' ? 'value' : mark === ']' ? close() : undefined;
    case ', or }':
      return mark === ',' ? 'key' : mark === '}' ? close() : undefined;
    case 'the end':
      return undefined;
  }
}

/** Where a token that began as a string went wrong: its first character that a string may not hold. */
function insideString(text: string, offset: number): number {
  const head = /^"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*/.exec(text.slice(offset));
  return head === null || text[offset + head[0].length] === '"' ? 0 : head[0].length;
}
