/**
 * Strategy: real threads and processes, each with a LockFile of its own. A child tells by a line what it holds.
 * Invariants: never two holders; a dead holder is none at once; a stopped one still is.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { InvariantError } from '../../src/base/assert.ts';
import { isStoreError } from '../../src/base/errors.ts';
import type { StoreErrorCode } from '../../src/base/errors.ts';
import { LockFile } from '../../src/storage/lock.ts';
import { moduleUrl, startChild } from './child.ts';

const base = fs.mkdtempSync(join(os.tmpdir(), 'lodemap-lock-'));
after(() => fs.rmSync(base, { recursive: true, force: true }));
let files = 0;
const newPath = (): string => join(base, `lock-${files++}`);
const fails = (code: StoreErrorCode) => (error: unknown) => isStoreError(error, code);
const posixOnly = { skip: process.platform === 'win32' };

/** A child that takes byte 5 and says so. */
function holder(path: string): ReturnType<typeof startChild> {
  return startChild(
    `const { LockFile } = await load('lock');
     LockFile.open(args[0]).lock(5, { timeoutMs: 10000 });
     console.log('held'); hold();`,
    [path],
  );
}

test('two objects of one process exclude each other, byte by byte', () => {
  const path = newPath();
  const [a, b] = [LockFile.open(path), LockFile.open(path)];
  assert.ok(a.tryLock(5));
  assert.ok(!b.tryLock(5));
  assert.ok(!b.tryLock(5, { shared: true }));
  assert.ok(b.tryLock(6));
  assert.deepEqual([a.isHeld(5), b.isHeld(5), a.isHeld(6), b.isHeld(6)], [true, false, false, true]);
  a.unlock(5);
  assert.ok(b.tryLock(5));
  b.unlock(5);
  b.unlock(5);
  assert.ok(a.tryLock(6) === false);
  a.close();
  b.close();
});

test('shared holders share, and keep out whoever wants it alone', () => {
  const path = newPath();
  const [a, b, c] = [LockFile.open(path), LockFile.open(path), LockFile.open(path)];
  assert.ok(a.tryLock(0, { shared: true }));
  assert.ok(b.tryLock(0, { shared: true }));
  assert.ok(!c.tryLock(0));
  a.unlock(0);
  assert.ok(!c.tryLock(0));
  b.close();
  assert.ok(c.tryLock(0));
  assert.ok(!a.tryLock(0, { shared: true }));
  a.close();
  c.close();
});

test('close gives everything back and ends the object', async () => {
  const path = newPath();
  const [a, b] = [LockFile.open(path), LockFile.open(path)];
  a.lock(1, { timeoutMs: 0 });
  await a.lockSoon(2);
  a.close();
  a.close();
  assert.ok(!a.isHeld(1));
  assert.ok(b.tryLock(1) && b.tryLock(2));
  assert.throws(() => a.tryLock(1), fails('CLOSED'));
  await assert.rejects(a.lockSoon(1), fails('CLOSED'));
  a.unlock(1);
  b.close();
});

test('a lock is not taken twice by one holder', () => {
  const a = LockFile.open(newPath());
  assert.ok(a.tryLock(1));
  assert.throws(() => a.tryLock(1), InvariantError);
  assert.throws(() => a.tryLock(1, { shared: true }), InvariantError);
  a.close();
});

test('a file that can not be made is an error that says so', () => {
  assert.throws(() => LockFile.open(join(base, 'none', 'lock')), fails('NOT_FOUND'));
  assert.throws(() => LockFile.open(base), fails('FORMAT'));
});

test('only the owner may open the file', posixOnly, () => {
  const path = newPath();
  LockFile.open(path).close();
  assert.equal(fs.statSync(path).mode & 0o777, 0o600);
});

test('waits have limits and say what they waited for', async () => {
  const path = newPath();
  const [a, b] = [LockFile.open(path), LockFile.open(path)];
  assert.ok(a.tryLock(3));
  const timesOut = (error: unknown): boolean => isStoreError(error, 'TIMEOUT') && /the commit lock/.test(error.message);
  assert.throws(() => b.lock(3, { timeoutMs: 20, what: 'the commit lock' }), timesOut);
  assert.throws(() => b.lock(3, { timeoutMs: 0, what: 'the commit lock' }), timesOut);
  await assert.rejects(b.lockSoon(3, { timeoutMs: 20, what: 'the commit lock' }), timesOut);
  await assert.rejects(b.lockSoon(3, { timeoutMs: 20 }), (error: Error) => error.message.includes(`byte 3 of ${path}`));
  assert.ok(!b.isHeld(3));
  a.close();
  b.close();
});

test('a wait between turns ends with the lock, an abort, or close', async () => {
  const path = newPath();
  const [a, b] = [LockFile.open(path), LockFile.open(path)];
  assert.ok(a.tryLock(0));
  const wait = b.lockSoon(0, { timeoutMs: 10_000 });
  await sleep(5);
  a.unlock(0);
  await wait;
  assert.ok(b.isHeld(0));

  const reason = new Error('enough');
  const aborted = a.lockSoon(0, { signal: AbortSignal.abort(reason) });
  await assert.rejects(aborted, (error: Error) => isStoreError(error, 'ABORTED') && error.cause === reason);
  const controller = new AbortController();
  const called = a.lockSoon(0, { signal: controller.signal });
  await sleep(5);
  controller.abort(reason);
  await assert.rejects(called, fails('ABORTED'));
  b.unlock(0);
  assert.ok(!a.isHeld(0));

  assert.ok(b.tryLock(0));
  const closed = a.lockSoon(0);
  await sleep(5);
  a.close();
  await assert.rejects(closed, fails('CLOSED'));
  b.close();
});

test('a blocked thread gets the lock another thread lets go', async () => {
  const path = newPath();
  const mine = LockFile.open(path);
  assert.ok(mine.tryLock(5));
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     import(workerData.door).then(({ LockFile }) => {
       const lock = LockFile.open(workerData.path);
       parentPort.postMessage(lock.tryLock(5));
       lock.lock(5, { timeoutMs: 10000 });
       parentPort.postMessage('held');
       setInterval(() => {}, 1000);
     });`,
    { eval: true, workerData: { door: moduleUrl('lock'), path } },
  );
  const next = (): Promise<unknown> => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  assert.equal(await next(), false);
  const held = next();
  mine.unlock(5);
  assert.equal(await held, 'held');
  assert.ok(!mine.tryLock(5));
  // The thread ends without a word; its descriptor, and with it the lock, goes.
  await worker.terminate();
  await mine.lockSoon(5, { timeoutMs: 10_000 });
  mine.close();
});

test('a killed process holds nothing', posixOnly, async () => {
  const path = newPath();
  const mine = LockFile.open(path);
  for (let round = 0; round < 3; round++) {
    const child = holder(path);
    await child.line();
    assert.ok(!mine.tryLock(5));
    child.process.kill('SIGKILL');
    await child.ended;
    assert.ok(mine.tryLock(5), 'free as soon as the process is gone');
    mine.unlock(5);
  }
  mine.close();
});

test('a stopped process keeps what it holds', posixOnly, async () => {
  const path = newPath();
  const mine = LockFile.open(path);
  const child = holder(path);
  await child.line();
  child.process.kill('SIGSTOP');
  await assert.rejects(mine.lockSoon(5, { timeoutMs: 200 }), fails('TIMEOUT'));
  child.process.kill('SIGCONT');
  assert.ok(!mine.tryLock(5));
  child.process.kill('SIGKILL');
  await child.ended;
  assert.ok(mine.tryLock(5));
  mine.close();
});

test('a child inherits nothing', posixOnly, async () => {
  const path = newPath();
  const [mine, other] = [LockFile.open(path), LockFile.open(path)];
  assert.ok(mine.tryLock(5));
  const child = startChild(`console.log('up'); hold();`);
  await child.line();
  mine.close();
  assert.ok(other.tryLock(5));
  child.process.kill('SIGKILL');
  await child.ended;
  other.close();
});

test('several processes count to the right number', async () => {
  const path = newPath();
  fs.writeFileSync(`${path}.count`, '0');
  const children = [0, 1, 2].map(() =>
    startChild(
      `const { readFileSync, writeFileSync } = await import('node:fs');
       const lock = (await load('lock')).LockFile.open(args[0]);
       for (let i = 0; i < 300; i++) {
         if (i % 3 === 0) await lock.lockSoon(1, { timeoutMs: 20000 }); else lock.lock(1, { timeoutMs: 20000 });
         writeFileSync(args[0] + '.count', String(Number(readFileSync(args[0] + '.count', 'utf8')) + 1));
         lock.unlock(1);
       }`,
      [path],
    ),
  );
  assert.deepEqual(await Promise.all(children.map((child) => child.ended)), [0, 0, 0]);
  assert.equal(fs.readFileSync(`${path}.count`, 'utf8'), '900');
});

/** Starts a child in which what is required by a name that fits `pattern` is not there, and which says how opening went. */
function withoutBinary(pattern: RegExp): ReturnType<typeof startChild> {
  const hook = join(base, `no-binary-${counted++}.cjs`);
  fs.writeFileSync(
    hook,
    `const Module = require('node:module');
     const load = Module._load;
     Module._load = function (name, ...rest) {
       if (${String(pattern)}.test(name)) throw new Error('no prebuilt binary');
       return load.call(this, name, ...rest);
     };`,
  );
  return startChild(
    `const { LockFile } = await load('lock');
     try {
       const [one, other] = [LockFile.open(args[0]), LockFile.open(args[0])];
       console.log(one.tryLock(3), other.tryLock(3), one.unlock(3), other.tryLock(3, { shared: true }), one.tryLock(3, { shared: true }));
     } catch (error) { console.log(error.code, error.cause.message); }`,
    [newPath()],
    ['--require', hook],
  );
}

let counted = 0;

test('without a binary for the platform opening is UNSUPPORTED, importing is not', async () => {
  const child = withoutBinary(/^fs-native-extensions/);
  assert.equal(await child.line(), 'UNSUPPORTED no prebuilt binary');
  assert.equal(await child.ended, 0);
});

test('a binary that lies elsewhere is found by its package', async () => {
  for (const pattern of [/^fs-native-extensions\//, /^nothing$/]) {
    const child = withoutBinary(pattern);
    assert.equal(await child.line(), 'true false undefined true true');
    assert.equal(await child.ended, 0);
  }
});
