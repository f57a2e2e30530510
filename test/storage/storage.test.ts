import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import type { StoreErrorCode } from '../../src/base/errors.ts';
import { CrashStorage } from '../../src/storage/crash-storage.ts';
import { FileStorage } from '../../src/storage/file-storage.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';

const base = fs.mkdtempSync(join(os.tmpdir(), 'lodemap-storage-'));
after(() => fs.rmSync(base, { recursive: true, force: true }));
let stores = 0;

function fileStorage(): FileStorage {
  const storage = new FileStorage(join(base, `store-${stores++}`));
  storage.createFolder('');
  return storage;
}

const subjects: Record<string, () => Storage> = {
  FileStorage: fileStorage,
  MemoryStorage: () => new MemoryStorage(),
  CrashStorage: () => new CrashStorage(),
};

const fails = (code: StoreErrorCode) => (error: unknown) => isStoreError(error, code);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function put(storage: Storage, name: string, content: string): void {
  const file = storage.open(name, 'create');
  file.write(Buffer.from(content, 'latin1'), 0);
  file.close();
}

for (const [name, make] of Object.entries(subjects)) runAll(name, make);

function runAll(name: string, make: () => Storage): void {
  describe(`${name}: files`, () => files(make));
  describe(`${name}: folders`, () => folders(make));
}

function files(make: () => Storage): void {
  test('reads what was written, at any place, and zeros between', () => {
    const file = make().open('a', 'create');
    file.write(Buffer.from('hello'), 10);
    file.write(Buffer.from('HE'), 10);
    assert.equal(file.size(), 15);
    const target = Buffer.alloc(20, 1);
    assert.equal(file.read(target, 2, 15, 0), 15);
    assert.equal(text(target), `\x01\x01${'\0'.repeat(10)}HEllo\x01\x01\x01`);
    file.close();
  });

  test('reads short only at the end of the file', () => {
    const file = make().open('a', 'create');
    file.write(Buffer.from('hello'), 0);
    const target = Buffer.alloc(10);
    assert.equal(file.read(target, 0, 10, 3), 2);
    assert.equal(file.read(target, 0, 10, 5), 0);
    assert.equal(file.read(target, 0, 10, 500), 0);
    assert.equal(file.read(target, 0, 0, 0), 0);
    file.close();
  });

  test('writes nothing when there is nothing to write', () => {
    const file = make().open('a', 'create');
    file.write(new Uint8Array(0), 100);
    assert.equal(file.size(), 0);
    file.close();
  });

  test('cuts and extends; what was cut does not come back', () => {
    const file = make().open('a', 'create');
    file.write(Buffer.from('hello'), 0);
    file.truncate(2);
    assert.equal(file.size(), 2);
    file.truncate(5);
    const target = Buffer.alloc(5, 1);
    assert.equal(file.read(target, 0, 5, 0), 5);
    assert.equal(text(target), 'he\0\0\0');
    file.close();
  });

  test('opens what exists, creates what does not', () => {
    const storage = make();
    assert.throws(() => storage.open('a', 'read'), fails('NOT_FOUND'));
    assert.throws(() => storage.open('a', 'write'), fails('NOT_FOUND'));
    assert.throws(() => storage.open('missing/a', 'create'), fails('NOT_FOUND'));
    put(storage, 'a', 'x');
    assert.throws(() => storage.open('a', 'create'), fails('IO'));
    const file = storage.open('a', 'write');
    file.write(Buffer.from('y'), 1);
    file.close();
    assert.equal(text(storage.readAll('a')), 'xy');
  });

  test('a file opened for reading can not be written', () => {
    const storage = make();
    put(storage, 'a', 'x');
    const file = storage.open('a', 'read');
    assert.throws(() => file.write(Buffer.from('y'), 0), fails('READ_ONLY'));
    assert.throws(() => file.truncate(0), fails('READ_ONLY'));
    file.close();
    assert.equal(text(storage.readAll('a')), 'x');
  });

  test('a closed file is closed, and closes again', async () => {
    const file = make().open('a', 'create');
    file.close();
    file.close();
    assert.throws(() => file.size(), fails('CLOSED'));
    assert.throws(() => file.read(Buffer.alloc(1), 0, 1, 0), fails('CLOSED'));
    assert.throws(() => file.write(Buffer.alloc(1), 0), fails('CLOSED'));
    assert.throws(() => file.truncate(0), fails('CLOSED'));
    assert.throws(() => file.sync(), fails('CLOSED'));
    await assert.rejects(file.syncSoon(), fails('CLOSED'));
  });

  test('syncs, on the thread and off it, also when closed meanwhile', async () => {
    const storage = make();
    const file = storage.open('a', 'create');
    file.write(Buffer.from('x'), 0);
    file.sync();
    await file.syncSoon();
    const other = storage.open('a', 'read');
    const soon = other.syncSoon();
    await soon;
    other.close();
    file.close();
    assert.equal(text(storage.readAll('a')), 'x');
  });

  test('an open file outlives its name and follows a rename', () => {
    const storage = make();
    put(storage, 'a', 'one');
    put(storage, 'b', 'two');
    const a = storage.open('a', 'write');
    const b = storage.open('b', 'read');
    storage.rename('a', 'b');
    a.write(Buffer.from('ONE'), 0);
    const target = Buffer.alloc(3);
    b.read(target, 0, 3, 0);
    assert.equal(text(target), 'two');
    assert.equal(text(storage.readAll('b')), 'ONE');
    storage.remove('b');
    assert.equal(a.read(target, 0, 3, 0), 3);
    assert.equal(text(target), 'ONE');
    a.close();
    b.close();
  });
}

function folders(make: () => Storage): void {
  test('lists files and folders in order; a missing folder is empty', () => {
    const storage = make();
    storage.createFolder('d/e');
    storage.createFolder('d');
    put(storage, 'd/z', '');
    put(storage, 'd/b', '');
    put(storage, 'dd', '');
    assert.deepEqual(storage.list('d'), ['b', 'e', 'z']);
    assert.deepEqual(storage.list(''), ['d', 'dd']);
    assert.deepEqual(storage.list('none'), []);
    assert.deepEqual(storage.list('d/e'), []);
    assert.ok(storage.exists('d') && storage.exists('d/b') && storage.exists('d/e'));
    assert.ok(!storage.exists('e') && !storage.exists('d/c'));
  });

  test('renames: the target is replaced, a missing source is an error', () => {
    const storage = make();
    put(storage, 'a', 'one');
    put(storage, 'b', 'two');
    storage.rename('a', 'b');
    assert.ok(!storage.exists('a'));
    assert.equal(text(storage.readAll('b')), 'one');
    assert.throws(() => storage.rename('a', 'c'), fails('NOT_FOUND'));
    assert.throws(() => storage.rename('b', 'none/b'), fails('NOT_FOUND'));
    assert.equal(text(storage.readAll('b')), 'one');
  });

  test('removes files and folders, there or not', () => {
    const storage = make();
    storage.createFolder('d/e');
    put(storage, 'd/e/a', 'x');
    put(storage, 'd/b', 'x');
    put(storage, 'de', 'x');
    storage.remove('d/b');
    storage.remove('d/b');
    assert.throws(() => storage.remove('d'), fails('IO'));
    storage.removeFolder('d');
    storage.removeFolder('d');
    assert.deepEqual(storage.list(''), ['de']);
    assert.throws(() => storage.open('d/e/a', 'read'), fails('NOT_FOUND'));
  });

  test('syncs a folder that is there', () => {
    const storage = make();
    storage.createFolder('d');
    storage.syncFolder('');
    storage.syncFolder('d');
    assert.throws(() => storage.syncFolder('none'), fails('NOT_FOUND'));
  });

  test('replaces whole files and leaves nothing beside them', () => {
    const storage = make();
    storage.createFolder('d');
    storage.writeAll('d/a', Buffer.from('one'));
    storage.writeAll('d/a', Buffer.from('three'));
    assert.equal(text(storage.readAll('d/a')), 'three');
    // What a crash left beside it is no obstacle.
    put(storage, 'd/a.new', 'half');
    storage.writeAll('d/a', new Uint8Array(0));
    assert.equal(storage.readAll('d/a').length, 0);
    assert.deepEqual(storage.list('d'), ['a']);
    assert.throws(() => storage.readAll('d/b'), fails('NOT_FOUND'));
  });
}

describe('FileStorage: on the disk', () => {
  test('only the owner may read', { skip: process.platform === 'win32' }, () => {
    const storage = fileStorage();
    storage.createFolder('d');
    put(storage, 'd/a', 'x');
    assert.equal(fs.statSync(join(storage.path, 'd')).mode & 0o777, 0o700);
    assert.equal(fs.statSync(join(storage.path, 'd/a')).mode & 0o777, 0o600);
  });

  test('a file closed during a sync gives its descriptor back after it', async () => {
    const storage = fileStorage();
    const file = storage.open('a', 'create');
    file.write(Buffer.alloc(100_000), 0);
    const syncs = [file.syncSoon(), file.syncSoon()];
    file.close();
    // Were the descriptor free, this file would get its number, and the sync would be of this one.
    const other = storage.open('b', 'create');
    await Promise.all(syncs);
    other.write(Buffer.from('x'), 0);
    other.sync();
    other.close();
    assert.throws(() => file.size(), fails('CLOSED'));
  });

  test('an error of the system is the cause', () => {
    const storage = fileStorage();
    put(storage, 'a', 'x');
    assert.throws(
      () => storage.open('a', 'create'),
      (error: unknown) => isStoreError(error, 'IO') && (error.cause as NodeJS.ErrnoException).code === 'EEXIST',
    );
    // The file is used as a folder.
    assert.throws(() => storage.open('a/b', 'read'), fails('FORMAT'));
  });
});
