/** Files as chunks of bytes; a name that ends in `.gz` is unpacked. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, pipeline, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { createGunzip } from 'node:zlib';
import { isUrl } from '../../base/brands.ts';
import { describe, StoreError } from '../../base/errors.ts';
import { startOnce } from '../../external/source.ts';
import type { StreamRun } from '../stream-run.ts';
import { toUtf8 } from './encodings.ts';
import type { Encoding } from './encodings.ts';
import { PeekedChunks } from './peeked-chunks.ts';

/** Larger pieces make texts that V8 keeps among large objects, and a third more memory; smaller ones win nothing. */
const chunkBytes = 64 * 1024;

/** Where bytes come from: a file, or chunks that can be had once. */
export type FileSource = string | AsyncIterable<Uint8Array>;

/** A source given as a path, a file URL, or bytes to be read (a Readable, a web stream). Throws a TypeError. */
export function sourceOf(source: string | URL | AsyncIterable<Uint8Array>, caller: string): FileSource {
  if (typeof source === 'object' && source !== null && Symbol.asyncIterator in source) return source;
  return pathOf(source, caller);
}

/** What errors call a source. */
export function nameOf(source: FileSource): string {
  return typeof source === 'string' ? source : '(input)';
}

/** The path of a file given as a path or a file URL. Throws a TypeError. */
export function pathOf(path: string | URL, caller: string): string {
  const plain: unknown = isUrl(path) ? fileURLToPath(path) : path;
  if (typeof plain !== 'string' || plain === '') throw new TypeError(`${caller}: expected the path of a file, got ${describe(path)}`);
  return plain;
}

/** The bytes of a text as UTF-8, unpacked. Throws NOT_FOUND, IO; FORMAT where a packed file is damaged; ABORTED. */
export function readFileChunks(source: FileSource, run: StreamRun, encoding?: Encoding): AsyncGenerator<Uint8Array, void, undefined> {
  return toUtf8(typeof source === 'string' ? fileChunks(source, run) : givenChunks(source, run), nameOf(source), encoding);
}

async function* givenChunks(source: AsyncIterable<Uint8Array>, run: StreamRun): AsyncGenerator<Uint8Array, void, undefined> {
  startOnce(source);
  try {
    yield* unpacked(count(checked(source, run), run), false);
  } catch (error) {
    run.pace.check();
    throw sourceError(error, '(input)');
  }
}

/** An abort ends the wait for the next chunk too, whatever becomes of the source: one that hangs is not waited for. */
async function* checked(source: AsyncIterable<Uint8Array>, run: StreamRun): AsyncGenerator<Buffer, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let isHanging = false;
  try {
    for (;;) {
      isHanging = true;
      const { done, value } = await run.pace.orAbort(iterator.next());
      isHanging = false;
      if (done === true) return;
      if (!types.isUint8Array(value)) throw new TypeError(`expected chunks of bytes, got ${describe(value)}`);
      yield Buffer.from(value.buffer, value.byteOffset, value.length);
    }
  } finally {
    const closed = Promise.resolve(iterator.return?.());
    if (isHanging) closed.catch(() => {});
    else await closed;
  }
}

async function* fileChunks(path: string, run: StreamRun): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    const { size } = await stat(path);
    run.bytesTotal += size;
    const input = createReadStream(path, { highWaterMark: chunkBytes });
    if (run.signal !== undefined) addAbortSignal(run.signal, input);
    const counted = count(input as AsyncIterable<Buffer>, run);
    yield* unpacked(counted, isPacked(path));
  } catch (error) {
    run.pace.check();
    throw sourceError(error, path);
  }
}

/** Does a text that is packed with gzip begin so? */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

export function isPacked(path: string): boolean {
  return /\.gz$/i.test(path);
}

async function* count(chunks: AsyncIterable<Buffer>, run: StreamRun): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of chunks) {
    run.bytes += chunk.length;
    yield chunk;
  }
}

/** Unpacks what begins as gzip does, and whatever must be packed. */
async function* unpacked(chunks: AsyncIterable<Buffer>, mustBe: boolean): AsyncGenerator<Buffer, void, undefined> {
  const peeked = new PeekedChunks(chunks);
  const head = await peeked.peek(2);
  if (!mustBe && !isGzip(head)) {
    yield* peeked.rest();
    return;
  }
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  pipeline(Readable.from(peeked.rest()), gunzip, () => {
    // Whoever reads `gunzip` meets the error there.
  });
  yield* gunzip as AsyncIterable<Buffer>;
}

function sourceError(error: unknown, path: string): unknown {
  if (error instanceof StoreError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new StoreError('NOT_FOUND', `There is no file ${path}`, { cause: error });
  if (code.startsWith('Z_')) return new StoreError('FORMAT', `${path} is not whole: ${message}`, { cause: error });
  if (code === '' || code.startsWith('ERR_')) return error;
  return new StoreError('IO', `Could not read ${path}: ${message}`, { cause: error });
}
