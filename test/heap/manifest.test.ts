import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { emptyManifest, isRetired, manifestName, readManifest, retire, writeManifest } from '../../src/heap/segment/manifest.ts';
import type { Manifest } from '../../src/heap/segment/manifest.ts';
import { Segments } from '../../src/heap/segment/segments.ts';
import { makeRef } from '../../src/heap/segment/ref.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';

const manifest: Manifest = {
  generation: 7,
  marked: 900,
  segments: new Map([
    [3, { compacted: 5, dead: 0 }],
    [4, { compacted: 0, dead: 7 }],
    [800, { compacted: 6, dead: 7 }],
  ]),
  retired: [
    { from: 1, to: 2 },
    { from: 10, to: 400 },
  ],
};

function disk(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.createFolder('segments');
  return storage;
}

function overwrite(storage: MemoryStorage, bytes: Uint8Array, position: number): void {
  const file = storage.open(manifestName, 'write');
  file.write(bytes, position);
  file.close();
}

test('a manifest comes back, and there need not be one', () => {
  const storage = disk();
  assert.deepEqual(readManifest(storage), emptyManifest);
  writeManifest(storage, emptyManifest);
  assert.deepEqual(readManifest(storage), emptyManifest);
  writeManifest(storage, manifest);
  assert.deepEqual(readManifest(storage), manifest);
  const large = { ...manifest, segments: new Map(Array.from({ length: 5000 }, (_, i) => [i + 500, { compacted: i, dead: 9 }])) };
  writeManifest(storage, large);
  assert.deepEqual(readManifest(storage), large);
});

test('one byte or one sector that is damaged costs nothing; both copies are CORRUPT', () => {
  const storage = disk();
  writeManifest(storage, manifest);
  const bytes = storage.readAll(manifestName);
  for (let at = 0; at < bytes.length; at++) {
    if (at % 4096 > 100) continue;
    overwrite(storage, Buffer.of(bytes[at]! ^ 0x41), at);
    assert.deepEqual(readManifest(storage), manifest, String(at));
    overwrite(storage, bytes, 0);
  }
  for (let at = 0; at < bytes.length; at += 512) {
    overwrite(storage, Buffer.alloc(512, 0xff), at);
    assert.deepEqual(readManifest(storage), manifest, String(at));
    overwrite(storage, bytes, 0);
  }
  // A length out of all bounds in both.
  overwrite(storage, Buffer.alloc(4, 0xff), 4);
  overwrite(storage, Buffer.alloc(4, 0xff), 4096 + 4);
  assert.throws(() => readManifest(storage), (error) => isStoreError(error, 'CORRUPT'));
});

test('retired ranges merge, and retired segments have no row', () => {
  const more = retire(manifest, [401, 3, 9, 500]);
  assert.deepEqual(more.retired, [
    { from: 1, to: 3 },
    { from: 9, to: 401 },
    { from: 500, to: 500 },
  ]);
  assert.deepEqual([...more.segments.keys()], [4, 800]);
  const retired = new Set([1, 2, 3, 9, 10, 200, 401, 500]);
  for (const id of [0, ...retired, 4, 8, 402, 499, 501, 9999]) assert.equal(isRetired(more, id), retired.has(id), String(id));
});

test('dead lists: what is in them is not live, damage is CORRUPT, another process publishing is noticed', () => {
  const storage = disk();
  const segments = new Segments(storage, Buffer.alloc(16));
  const offsets = Uint32Array.of(64, 100, 5000, 2 ** 28 - 1);
  segments.writeDeadList(4, 7, offsets);
  segments.publish(manifest);
  assert.deepEqual(segments.deadOffsets(4), offsets);
  assert.deepEqual([...segments.deadOffsets(5)], []);
  for (const [id, offset, live] of [[4, 100, false], [4, 101, true], [1, 64, false], [200, 64, false], [6, 64, true], [901, 64, true]] as const) {
    assert.equal(segments.isLive(makeRef(id, offset, 50)), live, `${id} ${offset}`);
  }
  const name = 'segments/00000004-7.dead';
  const bytes = storage.readAll(name);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 0x10;
    storage.writeAll(name, changed);
    assert.throws(() => new Segments(storage, Buffer.alloc(16)).deadOffsets(4), (error) => isStoreError(error, 'CORRUPT'), String(at));
  }
  // Another process publishes a longer list and removes this one.
  const stale = new Segments(storage, Buffer.alloc(16));
  assert.equal(stale.manifest.generation, 7);
  const longer = Uint32Array.of(64, 100, 5000, 6000);
  segments.writeDeadList(4, 8, longer);
  segments.publish({ ...manifest, generation: 8, segments: new Map([[4, { compacted: 0, dead: 8 }]]) });
  storage.remove(name);
  assert.deepEqual(stale.deadOffsets(4), longer);
  assert.equal(stale.manifest.generation, 8);
});
