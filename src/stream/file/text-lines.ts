import { TextWindow } from './text-window.ts';

const newline = 0x0a;

/** The lines of a UTF-8 text, without what ends them (LF or CRLF), in batches. Throws a FormatError where it is not UTF-8. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<string[], void, undefined> {
  const window = new TextWindow(file);
  const cut = (end: number): string[] => {
    const text = window.text(end);
    if (text === '') return [];
    const lines = text.slice(window.markLength(text)).split('\n');
    window.advance(end);
    if (text.endsWith('\n')) lines.pop();
    return text.includes('\r') ? lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)) : lines;
  };
  for await (const chunk of chunks) {
    const last = chunk.lastIndexOf(newline);
    window.append(chunk);
    if (last >= 0) yield cut(window.end - chunk.length + last + 1);
  }
  const rest = cut(window.end);
  if (rest.length > 0) yield rest;
}
