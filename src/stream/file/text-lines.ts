import { readLineBlocks } from './line-blocks.ts';

/** The lines of a UTF-8 text, without what ends them (LF, CRLF, or CR alone), in batches. Throws a FormatError where it is not UTF-8. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<string[], void, undefined> {
  for await (const { text, lineBreak } of readLineBlocks(chunks, { file })) {
    if (text === '') continue;
    const lines = text.split(lineBreak);
    if (text.endsWith(lineBreak)) lines.pop();
    yield lineBreak === '\n' && text.includes('\r') ? lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)) : lines;
  }
}
