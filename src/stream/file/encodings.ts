/** Text in other encodings than UTF-8, as UTF-8: UTF-16 by its mark, and whatever the reader is told. */
import { describe } from '../../base/errors.ts';
import { FormatError } from '../format-error.ts';

/** How the bytes of a file are text; `latin1` is Windows-1252, which browsers and spreadsheets mean by it. */
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'latin1';

const encodings: readonly string[] = ['utf-8', 'utf-16le', 'utf-16be', 'latin1'];

/** Throws TypeError for an encoding that is not known. */
export function checkEncoding(encoding: unknown, caller: string): void {
  if (encoding !== undefined && !encodings.includes(encoding as string)) throw new TypeError(`${caller}: encoding: expected ${encodings.join(', ')}; got ${describe(encoding)}`);
}

/** The encoding that a mark at the beginning of `bytes` tells; undefined where there is none, or it is that of UTF-8. */
export function markedEncoding(bytes: Uint8Array): Encoding | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : undefined;
}

/** The text of `chunks` as UTF-8. A mark of UTF-16 counts more than what `encoding` says. Throws FORMAT for bytes that are not of the encoding. */
export async function* toUtf8(chunks: AsyncIterable<Uint8Array>, file: string, encoding?: Encoding): AsyncGenerator<Uint8Array, void, undefined> {
  let held: Uint8Array | undefined;
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let isKnown = false;
  let position = 0;
  const decode = (chunk: Uint8Array | undefined): Uint8Array => {
    try {
      const text = chunk === undefined ? decoder!.decode() : decoder!.decode(chunk, { stream: true });
      position += chunk?.length ?? 0;
      return Buffer.from(text);
    } catch (cause) {
      throw new FormatError(`behind byte ${position}: not ${decoder!.encoding}`, { file, line: 1, column: 1 }, { cause });
    }
  };
  for await (const chunk of chunks) {
    let bytes = chunk;
    if (!isKnown) {
      // A mark may be cut in two.
      if (held !== undefined) bytes = Buffer.concat([held, chunk]);
      if (bytes.length < 2) {
        held = Buffer.from(bytes);
        continue;
      }
      const found = markedEncoding(bytes) ?? encoding ?? 'utf-8';
      isKnown = true;
      if (found !== 'utf-8') decoder = new TextDecoder(found, { fatal: true });
    }
    yield decoder === undefined ? bytes : decode(bytes);
  }
  if (!isKnown && held !== undefined) yield held;
  if (decoder !== undefined) yield decode(undefined);
}
