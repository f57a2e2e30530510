/** What a text is, by its beginning: for standard input, and for files whose names say nothing. */
import { parseJson } from '../json/json-numbers.ts';

/** One JSON text; a value on each line; several texts one after the other; rows. */
export type TextFormat = 'json' | 'jsonl' | 'json-seq' | 'csv';

const recordSeparator = '\u001E';

/** The format that a file's name speaks of (`.gz` aside); undefined where it says nothing. */
export function formatOfName(name: string): TextFormat | undefined {
  const extension = /\.(\w+?)(?:\.gz)?$/.exec(name.toLowerCase())?.[1];
  if (extension === 'csv' || extension === 'tsv') return 'csv';
  if (extension === 'jsonl' || extension === 'ndjson') return 'jsonl';
  return extension === 'json' ? 'json' : undefined;
}

/** Does what looks like JSON go on beyond its first line's part at hand, so that more of it would tell its format? */
export function isCutShort(head: Uint8Array): boolean {
  const text = new TextDecoder().decode(head).trimStart();
  return /^[{[]/.test(text) && !/[\r\n]/.test(text);
}

/**
 * The format of the text that begins with `head` (UTF-8); `isWhole` when that is all of it. A text that begins as JSON does is JSON
 * Lines when its first line is a whole value and another follows, several texts when the first ends and something follows.
 */
export function recogniseFormat(head: Uint8Array, isWhole: boolean): TextFormat {
  const text = new TextDecoder().decode(head).trimStart();
  if (text.startsWith(recordSeparator)) return 'json-seq';
  const lineEnd = text.search(/[\r\n]/);
  const line = lineEnd < 0 ? text : text.slice(0, lineEnd);
  const more = lineEnd < 0 ? '' : text.slice(lineEnd).trim();
  if (/^[{[]/.test(text)) {
    if (isJson(line)) return more !== '' || (lineEnd >= 0 && !isWhole) ? 'jsonl' : 'json';
    return (isJson(firstText(text)) && text.slice(firstText(text).length).trim() !== '') ? 'json-seq' : 'json';
  }
  // A number, a string or a word may be a column's name: only several of them are lines of JSON.
  const lines = text.split(/[\r\n]+/).slice(0, isWhole ? undefined : -1).filter((one) => one.trim() !== '');
  if (lines.length > 0 && lines.slice(0, 100).every(isJson)) return lines.length > 1 ? 'jsonl' : 'json';
  return 'csv';
}

/** The text up to where its first bracket closes. */
function firstText(text: string): string {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\[\s\S])*"|[[\]{}]/g)) {
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    if (depth === 0) return text.slice(0, index + token.length);
  }
  return text;
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch {
    return false;
  }
}
