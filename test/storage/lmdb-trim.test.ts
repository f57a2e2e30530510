/**
 * Giving free pages of the index back while it is open.
 *
 * Invariants: no row is lost or changed, for whoever reads the newest state or an older one, in any process, then or after more
 * changes; and a file that is not quite as expected is left alone.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Index } from '../../src/storage/index-store.ts';
import { openLmdbIndex } from '../../src/storage/lmdb-index.ts';
import { readFreePages } from '../../src/storage/lmdb-pages.ts';
import { oldestReadOf } from '../../src/storage/lmdb-trim.ts';
import { Random, seedOf } from '../suite/random.ts';
import { startChild } from './child.ts';

const base = fs.mkdtempSync(join(os.tmpdir(), 'lodemap-trim-'));
after(() => fs.rmSync(base, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => join(base, `index-${folders++}`);
/** File systems without holes leave the space where it is: nothing else changes. */
const skip = process.platform === 'win32';

function trim(index: Index): number {
  let calls = 0;
  for (let at: number | undefined = 0; at !== undefined; calls++) at = index.trim(at);
  return calls;
}

/** Puts and deletes rows of some pages' worth, in the index and in a Map. */
class Rows {
  readonly expected = new Map<string, string>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  add(index: Index, commits: number): void {
    for (let i = 0; i < commits; i++) {
      index.write((writer) => {
        for (let row = 0; row < 200; row++) {
          const key = `k${this.#random.below(1e9)}`;
          // Now and then one on pages of its own.
          const value = `${key} `.repeat(this.#random.once(100) ? 900 : 1 + this.#random.below(8));
          writer.put('entries', Buffer.from(key), Buffer.from(value));
          this.expected.set(key, value);
        }
      });
    }
  }

  /** All but one in `keep`, in no order. */
  drop(index: Index, keep: number): void {
    const gone = [...this.expected.keys()].filter(() => !this.#random.once(keep));
    for (let at = 0; at < gone.length; at += 200) {
      const some = gone.slice(at, at + 200);
      index.write((writer) => some.forEach((key) => writer.delete('entries', Buffer.from(key))));
      for (const key of some) this.expected.delete(key);
    }
  }

  check(index: Index): void {
    index.renew();
    const found = new Map(index.range('entries', {}).map(([key, value]) => [String(key), String(value)]));
    assert.equal(found.size, this.expected.size);
    for (const [key, value] of this.expected) assert.equal(found.get(key), value);
  }
}

test('what no row takes goes back to the disk, and every row stays', { skip }, async (t) => {
  const folder = newFolder();
  const rows = new Rows(new Random(seedOf(t)));
  const index = openLmdbIndex(folder, { create: true });
  const other = openLmdbIndex(folder, { create: false });
  for (let round = 0; round < 2; round++) {
    rows.add(index, 120);
    rows.drop(index, 10);
    // A commit later nobody needs the pages of the state before any more.
    rows.add(index, 1);
    const before = index.bytes();
    const calls = trim(index);
    t.diagnostic(`${before} bytes, ${index.bytes()} after ${calls} calls, ${index.usedBytes()} used`);
    assert.ok(index.usedBytes() < before / 2 && index.bytes() < index.usedBytes() + before / 8);
    rows.check(index);
    rows.check(other);
    // A state that is read keeps every page since: within one turn that is much.
    other.renew();
  }
  await other.close();
  await index.close();
  const again = openLmdbIndex(folder, { create: false });
  rows.check(again);
  await again.close();
});

test('whoever stands at an older state still reads all of it', { skip }, async (t) => {
  const folder = newFolder();
  const rows = new Rows(new Random(seedOf(t)));
  const index = openLmdbIndex(folder, { create: true });
  rows.add(index, 60);
  const count = rows.expected.size;
  const bytes = [...rows.expected.values()].reduce((sum, value) => sum + value.length, 0);
  const flag = join(folder, 'flag');
  const child = startChild(
    `const fs = await import('node:fs');
     const index = (await load('lmdb-index')).openLmdbIndex(args[0], { create: false });
     index.count('entries');
     fs.writeSync(1, 'pinned\\n');
     while (!fs.existsSync(args[1])) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
     const rows = index.range('entries', {});
     fs.writeSync(1, rows.length + ' ' + rows.reduce((sum, [, value]) => sum + value.length, 0) + '\\n');
     hold();`,
    [folder, flag],
  );
  assert.equal(await child.line(), 'pinned');
  rows.drop(index, 20);
  rows.add(index, 20);
  trim(index);
  rows.check(index);
  fs.writeFileSync(flag, '');
  assert.equal(await child.line(), `${count} ${bytes}`);
  child.process.kill('SIGKILL');
  await child.ended;
  const before = index.bytes();
  rows.add(index, 1);
  trim(index);
  assert.ok(index.bytes() < before * 0.75, `${index.bytes()} of ${before} bytes are left when it is gone`);
  rows.check(index);
  await index.close();
});

test('a file whose pages do not add up is left alone', async (t) => {
  const folder = newFolder();
  const rows = new Rows(new Random(seedOf(t)));
  const index = openLmdbIndex(folder, { create: true });
  rows.add(index, 20);
  rows.drop(index, 10);
  await index.close();
  const path = join(folder, 'data.mdb');
  const sound = fs.readFileSync(path);
  const freeIn = (bytes: Buffer): ReturnType<typeof readFreePages> => {
    fs.writeFileSync(path, bytes);
    const fd = fs.openSync(path, 'r');
    const found = readFreePages(fd, Infinity);
    fs.closeSync(fd);
    return found;
  };
  const free = freeIn(sound)!;
  assert.ok(free.runs.length > 10);
  const meta = sound.readBigInt64LE(152) > sound.readBigInt64LE(free.pageBytes + 152) ? 0 : free.pageBytes;
  const changed = (at: number, by: bigint): Buffer => {
    const bytes = Buffer.from(sound);
    bytes.writeBigInt64LE(bytes.readBigInt64LE(meta + at) + by, meta + at);
    return bytes;
  };
  // The last page, pages of the free list, the root of either tree.
  for (const [at, by] of [[144, 1n], [144, -1n], [64, 1n], [88, 1n], [136, -1n]] as const) {
    assert.equal(freeIn(changed(at, by)), undefined, `${at} ${by}`);
  }
  assert.equal(freeIn(sound.subarray(0, sound.length / 2)), undefined);
  assert.equal(freeIn(Buffer.alloc(sound.length)), undefined);
});

test('the oldest state that is read is taken from the list of readers', () => {
  assert.equal(oldestReadOf('(no active readers)\n'), Infinity);
  assert.equal(oldestReadOf('\t\tpid\t\t thread\t\t txnid\n      4711 7f00aa -\n'), Infinity);
  assert.equal(oldestReadOf('\t\tpid\t\t thread\t\t txnid\n      4711 7f00aa 93\n      12 7f00ab 90\n      13 7f00ab -\n'), 90);
  assert.equal(oldestReadOf('something else\n'), undefined);
});
