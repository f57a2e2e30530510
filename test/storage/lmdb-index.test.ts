/**
 * What only the index on LMDB can get wrong: several objects, threads and processes on one folder, readers that stay pinned
 * or are forgotten, files of others. The children are real.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { isStoreError } from '../../src/base/errors.ts';
import type { Index } from '../../src/storage/index-store.ts';
import { openLmdbIndex } from '../../src/storage/lmdb-index.ts';
import { moduleUrl, startChild } from './child.ts';

const base = fs.mkdtempSync(join(os.tmpdir(), 'lodemap-lmdb-'));
after(() => fs.rmSync(base, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => join(base, `index-${folders++}`);

const k = (text: string): Buffer => Buffer.from(text);
const put = (index: Index, key: string, value: string): void => index.write((w) => w.put('meta', k(key), k(value)));
const read = (index: Index, key: string): string | undefined => {
  const value = index.get('meta', k(key));
  return value && Buffer.from(value).toString();
};

/** Overwrites a few rows in many transactions: a file that can reuse its pages stays small. */
function churn(index: Index, commits: number): void {
  for (let i = 0; i < commits; i++) index.write((w) => w.put('cells', k(`c${i % 50}`), Buffer.alloc(500, i)));
}

test('creates its folder for the owner alone, and only when told to', { skip: process.platform === 'win32' }, async () => {
  const folder = newFolder();
  assert.throws(() => openLmdbIndex(folder, { create: false }), (error) => isStoreError(error, 'NOT_FOUND'));
  assert.ok(!fs.existsSync(folder));
  await openLmdbIndex(folder, { create: true }).close();
  assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
  for (const name of fs.readdirSync(folder)) assert.equal(fs.statSync(join(folder, name)).mode & 0o777, 0o600, name);
  const again = openLmdbIndex(folder, { create: false });
  assert.equal(again.count('entries'), 0);
  await again.close();
});

test('a file that is not LMDB’s is CORRUPT', async () => {
  const folder = newFolder();
  fs.mkdirSync(folder);
  fs.writeFileSync(join(folder, 'data.mdb'), Buffer.alloc(16_384, 'no'));
  assert.throws(() => openLmdbIndex(folder, { create: false }), (error) => isStoreError(error, 'CORRUPT'));
});

test('two objects of one process: each keeps its state until it renews, closing one leaves the other', async () => {
  const folder = newFolder();
  const a = openLmdbIndex(folder, { create: true });
  const b = openLmdbIndex(folder, { create: false });
  put(a, 'x', '1');
  b.renew();
  assert.equal(read(b, 'x'), '1');
  put(a, 'x', '2');
  put(a, 'y', '2');
  assert.deepEqual([read(a, 'x'), read(b, 'x'), read(b, 'y')], ['2', '1', undefined]);
  assert.equal(b.count('meta'), 1);
  assert.equal(b.range('meta', {}).length, 1);
  b.renew();
  assert.deepEqual([read(b, 'x'), read(b, 'y'), b.count('meta')], ['2', '2', 2]);
  put(b, 'x', '3');
  await a.close();
  assert.equal(read(b, 'x'), '3');
  put(b, 'x', '4');
  assert.equal(read(b, 'x'), '4');
  await b.close();
});

test('the state ends with the turn of the event loop', async () => {
  const folder = newFolder();
  const a = openLmdbIndex(folder, { create: true });
  const b = openLmdbIndex(folder, { create: false });
  assert.equal(read(b, 'x'), undefined);
  put(a, 'x', '1');
  assert.equal(read(b, 'x'), undefined);
  await sleep(5);
  assert.equal(read(b, 'x'), '1');
  await Promise.all([a.close(), b.close()]);
});

test('opening and closing many objects leaks no descriptor', { skip: process.platform !== 'linux' }, async () => {
  const folder = newFolder();
  const first = openLmdbIndex(folder, { create: true });
  const descriptors = (): number => fs.readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const open = Array.from({ length: 20 }, () => openLmdbIndex(folder, { create: false }));
  for (const index of open) assert.equal(read(index, 'x'), undefined);
  for (const index of open) await index.close();
  assert.ok(descriptors() <= before, `${before} descriptors became ${descriptors()}`);
  await first.close();
});

test('a reader of this process is respected by others, also after another object was closed', async () => {
  const folder = newFolder();
  const a = openLmdbIndex(folder, { create: true });
  const b = openLmdbIndex(folder, { create: false });
  a.write((w) => {
    for (let i = 0; i < 2000; i++) w.put('entries', k(`key-${i}`), Buffer.alloc(100, 1));
  });
  assert.equal(read(b, 'x'), undefined);
  await b.close();
  a.renew();
  assert.equal(a.get('entries', k('key-0'))![0], 1);
  // While this turn goes on: the child clears readers it takes for dead, then writes over every page that looks free.
  const code = `
    const { openLmdbIndex } = await import(${JSON.stringify(moduleUrl('lmdb-index'))});
    const index = openLmdbIndex(${JSON.stringify(folder)}, { create: false });
    index.sync();
    for (let round = 2; round < 12; round++) {
      index.write((w) => { for (let i = 0; i < 2000; i++) w.put('entries', Buffer.from('key-' + i), Buffer.alloc(100, round)); });
    }
    await index.close();
  `;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'ignore', 'inherit'] });
  assert.equal(child.status, 0);
  for (let i = 0; i < 2000; i++) assert.equal(a.get('entries', k(`key-${i}`))![0], 1);
  a.renew();
  for (let i = 0; i < 2000; i++) assert.equal(a.get('entries', k(`key-${i}`))![0], 11);
  await a.close();
});

test('another process sees commits, and what a killed one committed stays', async () => {
  const folder = newFolder();
  const index = openLmdbIndex(folder, { create: true });
  put(index, 'x', '1');
  const child = startChild(
    `const index = (await load('lmdb-index')).openLmdbIndex(args[0], { create: false });
     console.log(Buffer.from(index.get('meta', Buffer.from('x'))).toString());
     index.write((w) => w.put('meta', Buffer.from('x'), Buffer.from('2')));
     process.kill(process.pid, 'SIGKILL');`,
    [folder],
  );
  assert.equal(await child.line(), '1');
  assert.equal(await child.ended, 'SIGKILL');
  index.renew();
  assert.equal(read(index, 'x'), '2');
  put(index, 'x', '3');
  assert.equal(read(index, 'x'), '3');
  await index.close();
});

test('an idle reader in another process pins nothing', async () => {
  const folder = newFolder();
  const index = openLmdbIndex(folder, { create: true });
  churn(index, 200);
  const child = startChild(
    `const index = (await load('lmdb-index')).openLmdbIndex(args[0], { create: false });
     index.range('cells', { limit: 10 }); index.get('cells', Buffer.from('c1')); index.count('cells');
     setTimeout(() => console.log('idle'), 20); hold();`,
    [folder],
  );
  await child.line();
  churn(index, 50);
  const before = index.bytes();
  churn(index, 2000);
  const grown = index.bytes() - before;
  child.process.kill('SIGKILL');
  await child.ended;
  assert.ok(grown < 1_000_000, `grew by ${grown}`);
  await index.close();
});

test('a reader that was killed in the middle of a turn is forgotten at the next sync', async () => {
  const folder = newFolder();
  const index = openLmdbIndex(folder, { create: true });
  churn(index, 200);
  const child = startChild(
    `const fs = await import('node:fs');
     const index = (await load('lmdb-index')).openLmdbIndex(args[0], { create: false });
     index.get('cells', Buffer.from('c1'));
     fs.writeSync(1, 'pinned\\n');
     for (;;) index.get('cells', Buffer.from('c1'));`,
    [folder],
  );
  await child.line();
  const atFirst = index.bytes();
  churn(index, 1000);
  assert.ok(index.bytes() - atFirst > 2_000_000, 'the child does pin');
  child.process.kill('SIGKILL');
  await child.ended;
  await index.syncSoon();
  churn(index, 50);
  const before = index.bytes();
  churn(index, 2000);
  assert.ok(index.bytes() - before < 1_000_000, `grew by ${index.bytes() - before}`);
  await index.close();
});

test('worker threads share the folder, and one that is stopped harms nobody', async () => {
  const folder = newFolder();
  const index = openLmdbIndex(folder, { create: true });
  put(index, 'n', '0');
  const code = `
    const { workerData, parentPort } = require('node:worker_threads');
    (async () => {
      const { openLmdbIndex } = await import(workerData.door);
      const { LockFile } = await import(workerData.locks);
      const lock = LockFile.open(workerData.folder + '.lock');
      lock.lock(0, { timeoutMs: 10000 });
      const index = openLmdbIndex(workerData.folder, { create: false });
      lock.unlock(0);
      const key = Buffer.from('n');
      for (let i = 0; i < 200; i++) {
        lock.lock(0, { timeoutMs: 10000 });
        index.write((w) => w.put('meta', key, Buffer.from(String(Number(w.get('meta', key)) + 1))));
        lock.unlock(0);
      }
      lock.close();
      if (workerData.closes) await index.close();
      parentPort.postMessage('done');
      if (!workerData.closes) setInterval(() => index.get('meta', key), 1);
    })();
  `;
  const workers = [true, true, false].map(
    (closes) =>
      new Worker(code, { eval: true, workerData: { door: moduleUrl('lmdb-index'), locks: moduleUrl('lock'), folder, closes } }),
  );
  await Promise.all(
    workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))),
  );
  await Promise.all(workers.map((worker) => worker.terminate()));
  index.renew();
  assert.equal(read(index, 'n'), '600');
  put(index, 'n', 'after');
  assert.equal(read(index, 'n'), 'after');
  await index.close();
});

test('close waits for a sync under way', async () => {
  const index = openLmdbIndex(newFolder(), { create: true });
  churn(index, 100);
  const syncs = [index.syncSoon(), index.syncSoon()];
  const close = index.close();
  await Promise.all(syncs);
  await close;
  assert.throws(() => index.get('cells', k('c1')), (error) => isStoreError(error, 'CLOSED'));
});

test('transactions larger than what LMDB keeps in memory', async () => {
  const index = openLmdbIndex(newFolder(), { create: true });
  index.write((w) => {
    for (let i = 0; i < 60_000; i++) w.put('chunks', k(`${(i * 48_271) % 65_537}`.padStart(40, '0')), Buffer.alloc(40, i));
  });
  assert.equal(index.count('chunks'), 60_000);
  assert.throws(() =>
    index.write((w) => {
      for (const [key] of index.range('chunks', {})) w.delete('chunks', key);
      throw new RangeError('on purpose');
    }),
  );
  assert.equal(index.count('chunks'), 60_000);
  await index.close();
});

test('without a binary of LMDB importing works, opening is UNSUPPORTED, and the folder can be opened once there is one', async () => {
  const hook = join(base, 'no-lmdb.cjs');
  fs.writeFileSync(
    hook,
    `const Module = require('node:module');
     const load = Module._load;
     Module._load = function (name, ...rest) {
       if (name === 'lmdb') throw new Error('no prebuilt binary');
       return load.call(this, name, ...rest);
     };`,
  );
  const folder = newFolder();
  const child = startChild(
    `const { openLmdbIndex } = await load('lmdb-index');
     try { openLmdbIndex(args[0], { create: true }); } catch (error) { console.log(error.code, error.cause.message); }`,
    [folder],
    ['--require', hook],
  );
  assert.equal(await child.line(), 'UNSUPPORTED no prebuilt binary');
  assert.equal(await child.ended, 0);
  const index = openLmdbIndex(folder, { create: true });
  put(index, 'a', '1');
  assert.equal(read(index, 'a'), '1');
  await index.close();
});
