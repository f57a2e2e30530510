/**
 * The pages of an LMDB file, read without LMDB: which are free, for lmdb-js has no call that tells them; and a row in them, for LMDB reads a damaged
 * file as if it were sound, or aborts the process.
 *
 * LMDB never makes its file shorter. Pages whose rows are gone stand in a table of its own, the *free list*, and are used again by
 * later commits. What is there under a number below that of the oldest state anybody reads is what the next commit may write over; so
 * nobody reads it, and its bytes may as well go (see `LmdbIndex.trim`).
 *
 *     meta page 0 or 1, the newer    header 24 | magic 4, version 4, 16 | free list's tree 48 | main tree 48 | last page 8, commit 8
 *     a tree                         page size or 0 4 | flags 2, depth 2 | pages: branch 8, leaf 8, overflow 8 | rows 8 | root 8
 *     branch or leaf page            page 8, commit 8, 2, flags 2, end of pointers 2, 2 | pointers 2 each ... nodes, counted from here
 *     node                           low 2, high 2, flags 2, key length 2, key, data
 *     the free list                  commit 8 -> count 8, then so many numbers: a page; or minus a length, and the first page; or 0
 *     the main tree                  name of a table -> its tree
 *
 * A number misread here would cost rows. So the sum is made: free pages, those of all trees and the two metas are all there are, each
 * once. Where that does not come out, or anything is not as it is above, there are no free pages, as far as this file knows.
 *
 * Where a file is only a witness, not to be used, each page is looked at by itself: a leaf that carries its own number and holds one row with the
 * key asked for. That finds a table of a single row whatever has become of header and tree, and also its earlier states, in pages let go.
 */
import fs from 'node:fs';
import type { StorageFile } from './storage.ts';

/** Free pages that lie side by side. */
export interface PageRun {
  readonly first: number;
  readonly count: number;
}

export interface FreePages {
  readonly pageBytes: number;
  /** In the order of the file. */
  readonly runs: readonly PageRun[];
}

interface Tree {
  readonly pages: number;
  readonly depth: number;
  /** -1: it has no pages. */
  readonly root: number;
}

interface Row {
  readonly key: Buffer;
  readonly data: Buffer;
}

const headBytes = 24;
const metaAt = { pageBytes: 48, freeTree: 48, mainTree: 96, lastPage: 144, commit: 152, end: 160 } as const;
const treeBytes = 48;
const flagsOf = { branch: 1, leaf: 2, overflow: 4, big: 1 } as const;
const metaPages = 2;
const depthMax = 32;

/** Those that no reader of the state `oldestRead` or a later one needs. Nobody commits meanwhile. Undefined: can not be told. */
export function readFreePages(fd: number, oldestRead: number): FreePages | undefined {
  const file = new PageFile(fd);
  try {
    const meta = file.newerMeta();
    const oldest = Math.min(oldestRead, numberAt(meta, metaAt.commit));
    const all: PageRun[] = [];
    const free: PageRun[] = [];
    for (const { key, data } of file.rows(treeAt(meta, metaAt.freeTree))) {
      for (const run of runsIn(data)) {
        all.push(run);
        if (numberAt(key, 0) < oldest) free.push(run);
      }
    }
    let used = metaPages + treeAt(meta, metaAt.freeTree).pages + treeAt(meta, metaAt.mainTree).pages;
    for (const { data } of file.rows(treeAt(meta, metaAt.mainTree))) {
      expect(data.length === treeBytes);
      used += treeAt(data, 0).pages;
    }
    checkSum(all, used, numberAt(meta, metaAt.lastPage) + 1);
    return { pageBytes: file.pageBytes, runs: free.sort(byPage) };
  } catch (error) {
    if (error instanceof Unexpected || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Something is not as this file knows it. */
class Unexpected extends Error {}

function expect(condition: boolean): void {
  if (!condition) throw new Unexpected();
}

function numberAt(bytes: Buffer, at: number): number {
  return Number(bytes.readBigInt64LE(at));
}

function byPage(a: PageRun, b: PageRun): number {
  return a.first - b.first;
}

/** Are these and `used` others all pages there are, each once? */
function checkSum(runs: readonly PageRun[], used: number, total: number): void {
  let free = 0;
  let end = metaPages;
  for (const { first, count } of runs.toSorted(byPage)) {
    expect(first >= end && count > 0);
    end = first + count;
    free += count;
  }
  expect(end <= total && free + used === total);
}

function runsIn(list: Buffer): PageRun[] {
  const runs: PageRun[] = [];
  const count = numberAt(list, 0);
  for (let i = 1; i <= count; i++) {
    const entry = numberAt(list, i * 8);
    if (entry > 0) runs.push({ first: entry, count: 1 });
    else if (entry < 0) runs.push({ first: numberAt(list, ++i * 8), count: -entry });
  }
  return runs;
}

function treeAt(bytes: Buffer, at: number): Tree {
  const pages = numberAt(bytes, at + 8) + numberAt(bytes, at + 16) + numberAt(bytes, at + 24);
  return { pages, depth: bytes.readUInt16LE(at + 6), root: numberAt(bytes, at + 40) };
}

class PageFile {
  readonly #fd: number;
  pageBytes = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  newerMeta(): Buffer {
    const first = this.#read(0, metaAt.end);
    this.pageBytes = first.readUInt32LE(metaAt.pageBytes);
    expect(this.pageBytes >= 512);
    const second = this.#read(this.pageBytes, metaAt.end);
    return numberAt(first, metaAt.commit) > numberAt(second, metaAt.commit) ? first : second;
  }

  *rows(tree: Tree): Generator<Row> {
    expect(tree.depth <= depthMax);
    if (tree.root !== -1) yield* this.#rowsBelow(tree.root, tree.depth);
  }

  *#rowsBelow(page: number, depth: number): Generator<Row> {
    const bytes = this.#page(page, 1);
    const flags = bytes.readUInt16LE(18);
    expect(depth > 0 && flags === (depth === 1 ? flagsOf.leaf : flagsOf.branch));
    const nodes = bytes.readUInt16LE(20) / 2;
    for (let i = 0; i < nodes; i++) {
      const at = headBytes + bytes.readUInt16LE(headBytes + i * 2);
      const [low, high, nodeFlags] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2), bytes.readUInt16LE(at + 4)];
      if (depth > 1) {
        yield* this.#rowsBelow(low + high * 2 ** 16 + nodeFlags * 2 ** 32, depth - 1);
        continue;
      }
      const keyEnd = at + 8 + bytes.readUInt16LE(at + 6);
      const length = low + high * 2 ** 16;
      const isBig = (nodeFlags & flagsOf.big) !== 0;
      const data = isBig ? this.#bigData(bytes, keyEnd, length) : bytes.subarray(keyEnd, keyEnd + length);
      expect(data.length === length);
      yield { key: bytes.subarray(at + 8, keyEnd), data };
    }
  }

  /** Data on pages of their own: first page 8, commit 8, pages 8. */
  #bigData(bytes: Buffer, at: number, length: number): Buffer {
    const pages = this.#page(numberAt(bytes, at), numberAt(bytes, at + 16));
    expect(pages.readUInt16LE(18) === flagsOf.overflow);
    return pages.subarray(headBytes, headBytes + length);
  }

  #page(page: number, count: number): Buffer {
    expect(page >= metaPages && count > 0 && count < 2 ** 20);
    const bytes = this.#read(page * this.pageBytes, count * this.pageBytes);
    expect(numberAt(bytes, 0) === page);
    return bytes;
  }

  #read(position: number, bytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(bytes);
    expect(fs.readSync(this.#fd, buffer, 0, bytes, position) === bytes);
    return buffer;
  }
}

const pageBytesUsual = 4096;
const pagesAtOnce = 64;

/** The values of rows with this key that are the only one of their page, `valueBytes` long; each the caller's own. */
export function loneRows(file: StorageFile, key: Uint8Array, valueBytes: number): Buffer[] {
  const found: Buffer[] = [];
  const pageBytes = pageBytesOf(file);
  const bytes = Buffer.allocUnsafe(pageBytes * pagesAtOnce);
  for (let start = 0; ; start += bytes.length) {
    const got = file.read(bytes, 0, bytes.length, start);
    for (let at = 0; at + pageBytes <= got; at += pageBytes) {
      const page = bytes.subarray(at, at + pageBytes);
      const row = loneRow(page, (start + at) / pageBytes, key);
      if (row?.length === valueBytes) found.push(Buffer.from(row));
    }
    if (got < bytes.length) return found;
  }
}

function loneRow(page: Buffer, number: number, key: Uint8Array): Buffer | undefined {
  if (page.readUInt16LE(18) !== flagsOf.leaf || page.readUInt16LE(20) !== 2 || numberAt(page, 0) !== number) return undefined;
  const node = headBytes + page.readUInt16LE(headBytes);
  const dataAt = node + 8 + key.length;
  if (dataAt > page.length || page.readUInt16LE(node + 4) !== 0 || page.readUInt16LE(node + 6) !== key.length) return undefined;
  if (!page.subarray(node + 8, dataAt).equals(key)) return undefined;
  const length = page.readUInt16LE(node) + page.readUInt16LE(node + 2) * 2 ** 16;
  return dataAt + length <= page.length ? page.subarray(dataAt, dataAt + length) : undefined;
}

function pageBytesOf(file: StorageFile): number {
  const head = Buffer.alloc(metaAt.pageBytes + 4);
  file.read(head, 0, head.length, 0);
  const named = head.readUInt32LE(metaAt.pageBytes);
  return named >= 512 && named <= 65_536 && (named & (named - 1)) === 0 ? named : pageBytesUsual;
}
