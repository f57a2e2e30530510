/**
 * Strategy: files of numbered sectors, so that every sector of an image tells which write it comes from; many seeds.
 * Invariants: what was synced is there; a sector is never mixed; over the seeds every kind of damage occurs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isStoreError } from '../../src/base/errors.ts';
import { CrashStorage } from '../../src/storage/crash-storage.ts';
import type { MemoryStorage } from '../../src/storage/memory-storage.ts';
import { sectorBytes } from '../../src/storage/unsynced-file.ts';

/** Numbers in [0, 1) from a seed (mulberry32, Tommy Ettinger). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The images of `count` crashes now. */
function crashes(storage: CrashStorage, count = 300): MemoryStorage[] {
  return Array.from({ length: count }, (_, seed) => storage.crash(randomFrom(seed)));
}

const sector = (value: number): Buffer => Buffer.alloc(sectorBytes, value);

function createDurable(storage: CrashStorage, name: string): ReturnType<CrashStorage['open']> {
  const file = storage.open(name, 'create');
  storage.syncFolder('');
  return file;
}

test('what was synced survives every crash', () => {
  const storage = new CrashStorage();
  const file = createDurable(storage, 'a');
  file.write(sector(1), 0);
  file.write(sector(2), sectorBytes);
  file.sync();
  file.write(sector(3), 2 * sectorBytes);
  for (const after of crashes(storage)) {
    const bytes = after.readAll('a');
    assert.deepEqual(bytes.subarray(0, 2 * sectorBytes), Buffer.concat([sector(1), sector(2)]));
  }
});

test('what was not synced is dropped, torn, reordered, or there', () => {
  const storage = new CrashStorage();
  const file = createDurable(storage, 'a');
  file.write(Buffer.concat([sector(1), sector(1)]), 0);
  file.sync();
  file.write(Buffer.concat([sector(2), sector(2)]), 0);
  file.write(Buffer.concat([sector(3), sector(3)]), 0);
  const seen = new Set<string>();
  for (const after of crashes(storage)) {
    const bytes = after.readAll('a');
    assert.equal(bytes.length, 2 * sectorBytes);
    const [first, second] = [bytes[0]!, bytes[sectorBytes]!];
    assert.deepEqual(bytes, Buffer.concat([sector(first), sector(second)]), 'no sector is mixed');
    seen.add(`${first}${second}`);
  }
  assert.deepEqual([...seen].sort(), ['11', '12', '13', '21', '22', '23', '31', '32', '33']);
});

test('a file ends early, or late with zeros', () => {
  const storage = new CrashStorage();
  const file = createDurable(storage, 'a');
  for (let i = 0; i < 4; i++) file.write(sector(i + 1), i * sectorBytes);
  const sizes = new Set<number>();
  let zeros = 0;
  for (const after of crashes(storage)) {
    const bytes = after.readAll('a');
    sizes.add(bytes.length / sectorBytes);
    for (let i = 0; i < bytes.length; i += sectorBytes) {
      const value = bytes[i]!;
      assert.ok(value === 0 || value === i / sectorBytes + 1);
      if (value === 0) zeros++;
    }
  }
  assert.deepEqual([...sizes].sort(), [0, 1, 2, 3, 4]);
  assert.ok(zeros > 0);
});

test('a truncation that was not synced happened or not', () => {
  const storage = new CrashStorage();
  const file = createDurable(storage, 'a');
  file.write(Buffer.concat([sector(1), sector(2)]), 0);
  file.sync();
  file.truncate(100);
  const sizes = new Set(crashes(storage).map((after) => after.readAll('a').length));
  assert.deepEqual([...sizes].sort(), [100, 2 * sectorBytes]);
  file.sync();
  for (const after of crashes(storage, 20)) assert.deepEqual(after.readAll('a'), Buffer.alloc(100, 1));
});

test('names are durable once their folder is synced, and only then', () => {
  const storage = new CrashStorage();
  storage.createFolder('d');
  const file = storage.open('d/a', 'create');
  file.write(sector(1), 0);
  file.sync();
  const lists = (): Set<string> => new Set(crashes(storage, 100).map((after) => `${after.list('')}/${after.list('d')}`));
  assert.deepEqual([...lists()].sort(), ['/', 'd/', 'd/a']);
  // The file's name is durable in a folder whose own name is not.
  storage.syncFolder('d');
  assert.deepEqual([...lists()].sort(), ['/', 'd/a']);
  storage.syncFolder('');
  assert.deepEqual([...lists()], ['d/a']);
  storage.remove('d/a');
  assert.deepEqual([...lists()].sort(), ['d/', 'd/a']);
  storage.syncFolder('d');
  assert.deepEqual([...lists()], ['d/']);
});

test('a rename happens as a whole or not', () => {
  const storage = new CrashStorage();
  storage.createFolder('d');
  storage.writeAll('a', Buffer.from('old'));
  const file = createDurable(storage, 'b');
  file.write(Buffer.from('new'), 0);
  file.sync();
  storage.rename('b', 'a');
  const seen = new Set(crashes(storage, 100).map((after) => `${after.readAll('a')} ${after.exists('b')}`));
  assert.deepEqual([...seen].sort(), ['new false', 'old true']);
});

test('changes of one name stay in order when folders are synced out of order', () => {
  const storage = new CrashStorage();
  storage.createFolder('d');
  storage.createFolder('e');
  storage.syncFolder('');
  storage.open('d/x', 'create').close();
  storage.open('e/y', 'create').close();
  storage.syncFolder('d');
  storage.syncFolder('e');
  storage.remove('d/x');
  storage.rename('e/y', 'd/x');
  storage.syncFolder('e');
  storage.syncFolder('d');
  for (const after of crashes(storage, 20)) assert.deepEqual([after.list('d'), after.list('e')], [['x'], []]);
});

test('a whole file that is replaced is the old or the new one in every crash, at every operation', () => {
  const storage = new CrashStorage();
  storage.writeAll('a', Buffer.alloc(2000, 1));
  const found = new Set<number>();
  storage.onOperation = () => {
    for (const after of crashes(storage, 20)) {
      const bytes = after.readAll('a');
      assert.equal(bytes.length, 2000);
      assert.deepEqual(bytes, Buffer.alloc(2000, bytes[0]));
      found.add(bytes[0]!);
    }
  };
  storage.writeAll('a', Buffer.alloc(2000, 2));
  assert.ok(found.has(1));
  storage.onOperation = undefined;
  for (const after of crashes(storage, 20)) assert.deepEqual(after.readAll('a'), Buffer.alloc(2000, 2));
});

test('the same numbers make the same disk', () => {
  const storage = new CrashStorage();
  for (const name of ['a', 'b']) storage.open(name, 'create').write(Buffer.alloc(5000, 7), 0);
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [one, two] = [storage.crash(randomFrom(seed)), storage.crash(randomFrom(seed))];
      assert.deepEqual(one.list(''), two.list(''));
      for (const name of one.list('')) assert.deepEqual(one.readAll(name), two.readAll(name));
    }),
    { numRuns: 30 },
  );
});

test('operations are counted, and fail on demand, once or from then on', () => {
  const storage = new CrashStorage();
  const file = createDurable(storage, 'a');
  const done = storage.operations;
  storage.onOperation = ({ count }) => (count === done + 1 ? 'ENOSPC' : undefined);
  assert.throws(
    () => file.write(sector(1), 0),
    (error: unknown) => isStoreError(error, 'IO') && (error.cause as NodeJS.ErrnoException).code === 'ENOSPC',
  );
  assert.equal(file.size(), sectorBytes / 2, 'half of a failing write is there');
  file.write(sector(1), 0);
  storage.onOperation = ({ count }) => (count >= done + 3 ? 'EIO' : undefined);
  for (let i = 0; i < 3; i++) assert.throws(() => file.truncate(0), (error: unknown) => isStoreError(error, 'IO'));
  assert.throws(() => storage.open('b', 'create'), (error: unknown) => isStoreError(error, 'IO'));
  assert.ok(!storage.exists('b'));
  assert.equal(file.size(), sectorBytes);
});

test('a failed sync gives up what it was to save; the next one saves what comes after', () => {
  const storage = new CrashStorage();
  const file = createDurable(storage, 'a');
  file.write(sector(1), 0);
  storage.onOperation = ({ kind }) => (kind === 'sync' ? 'EIO' : undefined);
  assert.throws(() => file.sync(), (error: unknown) => isStoreError(error, 'IO'));
  storage.onOperation = undefined;
  file.write(sector(2), sectorBytes);
  file.sync();
  const live = Buffer.alloc(2 * sectorBytes);
  file.read(live, 0, live.length, 0);
  assert.deepEqual(live, Buffer.concat([sector(1), sector(2)]));
  for (const after of crashes(storage, 20)) assert.deepEqual(after.readAll('a'), Buffer.concat([sector(0), sector(2)]));
});
