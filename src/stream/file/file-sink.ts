/**
 * Text into files; packed where the name ends in `.gz`. A file appears under its name when it is whole: until then it has
 * another one beside it, which goes away when the writing fails.
 */
import { randomBytes } from 'node:crypto';
import { createWriteStream, rmSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { chmod, chown, lstat, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { StoreError } from '../../base/errors.ts';
import { isPacked } from './file-source.ts';
import type { StreamRun } from '../stream-run.ts';

const textLengthMax = 64 * 1024;

/** Files being written, for an exit of the process in the middle. */
const unfinished = new Set<string>();

/** Writes pieces of text; strings as UTF-8. Throws IO, with a hint when the disk is full; ABORTED; what `pieces` throws. */
export async function writeTextFile(path: string, pieces: AsyncIterable<string | Uint8Array>, run: StreamRun): Promise<void> {
  const { beside, replaced } = await placeBeside(path);
  const target = beside ?? path;
  if (beside !== undefined) {
    if (unfinished.size === 0) process.on('exit', removeUnfinished);
    unfinished.add(beside);
  }
  try {
    const source = Readable.from(gather(pieces), { objectMode: true });
    // What is replaced stays whose it was, and as hidden as it was.
    const sink = createWriteStream(target, { mode: replaced === undefined ? 0o666 : replaced.mode & 0o777 });
    const options = run.signal === undefined ? {} : { signal: run.signal };
    if (isPacked(path)) await pipeline(source, createGzip(), sink, options);
    else await pipeline(source, sink, options);
    if (beside !== undefined && replaced !== undefined) await keepOwner(beside, replaced);
    if (beside !== undefined) await rename(beside, path);
  } catch (error) {
    if (beside !== undefined) await rm(beside, { force: true });
    run.pace.check();
    throw sinkError(error, path);
  } finally {
    if (beside !== undefined && unfinished.delete(beside) && unfinished.size === 0) process.off('exit', removeUnfinished);
  }
}

/** The name a file has until it is whole, undefined for pipes and devices, which are written as they are; and the file it will replace. */
async function placeBeside(path: string): Promise<{ beside?: string; replaced?: Stats }> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile()) return {};
  const beside = join(dirname(path), `.${shortened(basename(path))}.${randomBytes(4).toString('hex')}.part`);
  return found === undefined ? { beside } : { beside, replaced: found };
}

/** A name that leaves room for what is put around it: most file systems take 255 bytes. */
function shortened(name: string): string {
  let short = name;
  while (Buffer.byteLength(short) > 200) short = short.slice(0, Math.max(1, short.length - 20));
  return short;
}

/** Mode and owner of the file that is replaced, as far as that is allowed. */
async function keepOwner(beside: string, { mode, uid, gid }: Stats): Promise<void> {
  const made = await stat(beside);
  if (made.uid !== uid || made.gid !== gid) {
    await chown(beside, uid, gid).catch(() => {
      // Only the owner's group, or root, may give a file away.
    });
  }
  await chmod(beside, mode & 0o7777);
}

function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
}

/** Fewer and larger pieces. */
async function* gather(pieces: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let text = '';
  for await (const piece of pieces) {
    if (typeof piece !== 'string') {
      if (text !== '') yield Buffer.from(text);
      text = '';
      yield piece;
      continue;
    }
    text += piece;
    if (text.length < textLengthMax) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

function sinkError(error: unknown, path: string): unknown {
  if (error instanceof StoreError) return error;
  const { code, message, syscall } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return error;
  const hint = code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : message;
  return new StoreError(code === 'ENOENT' ? 'NOT_FOUND' : 'IO', `Could not write ${path}: ${hint}`, { cause: error });
}
