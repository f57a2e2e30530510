import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isStoreError } from '../../src/base/errors.ts';
import { LockFile } from '../../src/storage/lock.ts';
import { lockMaintenance, readOwner } from '../../src/storage/maintenance-lock.ts';
import type { MaintenanceOptions } from '../../src/storage/maintenance-lock.ts';
import { startChild } from './child.ts';

const base = fs.mkdtempSync(join(os.tmpdir(), 'lodemap-maintenance-'));
after(() => fs.rmSync(base, { recursive: true, force: true }));
let places = 0;

/** A place for a lock: its path and a new LockFile each time. */
function newPlace(): { path: string; options(more?: Partial<MaintenanceOptions>): MaintenanceOptions } {
  const folder = join(base, `place-${places++}`);
  fs.mkdirSync(folder);
  return {
    path: join(folder, 'maintenance'),
    options: (more) => ({
      purpose: 'vacuum',
      kernel: { file: LockFile.open(join(folder, 'locks')), offset: 7 },
      epochHolds: () => true,
      ...more,
    }),
  };
}

const locked = (error: unknown): boolean => isStoreError(error, 'LOCKED');

/** A child that takes the lock and says so. */
function holder(path: string): ReturnType<typeof startChild> {
  return startChild(
    `const { dirname, join } = await import('node:path');
     const file = (await load('lock')).LockFile.open(join(dirname(args[0]), 'locks'));
     const { lockMaintenance } = await load('maintenance-lock');
     const lock = await lockMaintenance(args[0], { purpose: 'migration', kernel: { file, offset: 7 }, epochHolds: () => true, staleMs: 2000 });
     console.log('held'); hold();`,
    [path],
  );
}

test('one works, others are told who, and release lets the next in', async () => {
  const { path, options } = newPlace();
  const first = await lockMaintenance(path, options());
  first.assertHeld();
  assert.equal(readOwner(path)?.pid, process.pid);
  await assert.rejects(
    lockMaintenance(path, options()),
    (error: Error) => locked(error) && error.message.includes(`process ${process.pid} on ${os.hostname()} (vacuum since`),
  );
  first.assertHeld();
  await first.release();
  await first.release();
  assert.throws(() => first.assertHeld(), locked);
  assert.equal(readOwner(path), undefined);
  assert.ok(!fs.existsSync(path));
  const second = await lockMaintenance(path, options());
  second.assertHeld();
  await second.release();
});

test('the fencing epoch ends it', async () => {
  const { path, options } = newPlace();
  let epoch = 1;
  const lock = await lockMaintenance(path, options({ epochHolds: () => epoch === 1 }));
  lock.assertHeld();
  epoch = 2;
  assert.throws(() => lock.assertHeld(), locked);
  await lock.release();
});

test('a holder that was taken over knows, and releases nothing of its successor', async () => {
  const { path, options } = newPlace();
  const lock = await lockMaintenance(path, options());
  const successor = { token: 'other', pid: 1, host: 'elsewhere', purpose: 'vacuum', since: 'now' };
  fs.writeFileSync(`${path}.owner`, JSON.stringify(successor));
  assert.throws(() => lock.assertHeld(), locked);
  await lock.release();
  assert.ok(fs.existsSync(path));
  assert.deepEqual(readOwner(path), successor);
});

test('a lock folder that vanishes compromises the lock, not the process', async () => {
  const { path, options } = newPlace();
  const lock = await lockMaintenance(path, options({ staleMs: 2000 }));
  fs.rmdirSync(path);
  const until = Date.now() + 10_000;
  const lost = (): boolean => {
    try {
      lock.assertHeld();
      return false;
    } catch (error) {
      return isStoreError(error, 'LOCKED') && (error.cause as { code?: string }).code === 'ECOMPROMISED';
    }
  };
  while (!lost() && Date.now() < until) await sleep(50);
  assert.ok(lost());
  await lock.release();
});

test('a killed holder is replaced at once', { skip: process.platform === 'win32' }, async () => {
  const { path, options } = newPlace();
  const child = holder(path);
  await child.line();
  const contender = options();
  await assert.rejects(lockMaintenance(path, contender), (error: Error) => locked(error) && /migration since/.test(error.message));
  child.process.kill('SIGKILL');
  await child.ended;
  assert.ok(fs.existsSync(path), 'its lock folder is still there, and fresh');
  const lock = await lockMaintenance(path, contender);
  lock.assertHeld();
  await lock.release();
});

test('a stopped holder keeps the lock past its stale time', { skip: process.platform === 'win32' }, async () => {
  const { path, options } = newPlace();
  const child = holder(path);
  await child.line();
  child.process.kill('SIGSTOP');
  // As if it had been stopped for a minute.
  const longAgo = new Date(Date.now() - 60_000);
  fs.utimesSync(path, longAgo, longAgo);
  await assert.rejects(lockMaintenance(path, options({ staleMs: 2000 })), locked);
  child.process.kill('SIGKILL');
  await child.ended;
});

test('a holder on another machine is judged by the age of its lock folder', async () => {
  const { path, options } = newPlace();
  fs.mkdirSync(path);
  fs.writeFileSync(`${path}.owner`, JSON.stringify({ token: 't', pid: 1, host: 'elsewhere', purpose: 'vacuum', since: 'now' }));
  const contender = options({ staleMs: 2000 });
  await assert.rejects(lockMaintenance(path, contender), (error: Error) => locked(error) && /elsewhere/.test(error.message));
  const longAgo = new Date(Date.now() - 60_000);
  fs.utimesSync(path, longAgo, longAgo);
  const lock = await lockMaintenance(path, contender);
  lock.assertHeld();
  await lock.release();
});
