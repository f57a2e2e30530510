/** What spill files leave behind when things go wrong: nothing, and what crashed processes left is cleared away. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isStoreError } from '../../src/base/errors.ts';
import { externalSort } from '../../src/external/sort/sort.ts';
import { SpillFile, spillName, sweep } from '../../src/external/spill/spill-file.ts';
import { configure } from '../../src/memory/config.ts';
import { FileStorage } from '../../src/storage/file-storage.ts';
import { scratch } from '../suite/scratch.ts';
import { sortedBy, times, toArray, withSpills } from './scene.ts';

test('files of dead processes are swept, others are not', () => {
  const folder = scratch();
  const own = spillName();
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const names = {
    dead: own.replace(`-${process.pid}-`, `-${pid}-`),
    otherBoot: own.replace(/-\w+-(\w+)$/, '-0123456789ab-$1'),
    alive: own,
    foreign: 'lodemap-spill.txt',
  };
  for (const name of Object.values(names)) fs.writeFileSync(join(folder, name), 'x');
  assert.equal(sweep(new FileStorage(folder)), 2);
  assert.deepEqual(fs.readdirSync(folder).toSorted(), [names.alive, names.foreign].toSorted());
});

test('a file has no name while it is used, and one to hand over keeps it', () => {
  const folder = scratch();
  const file = new SpillFile(folder);
  assert.deepEqual(fs.readdirSync(folder), []);
  assert.equal(file.append(Buffer.from('text')), 0);
  const target = Buffer.alloc(4);
  file.read(target, 4, 0);
  assert.equal(target.toString(), 'text');
  assert.throws(() => file.read(target, 4, 1), (error) => isStoreError(error, 'CORRUPT'));
  file.release();
  const name = spillName();
  const handed = new SpillFile(folder, { name, taken: false });
  handed.append(Buffer.from('more'));
  handed.release();
  assert.deepEqual(fs.readdirSync(folder), [name]);
  const taken = new SpillFile(folder, { name, taken: true });
  assert.deepEqual(fs.readdirSync(folder), []);
  taken.read(target, 4, 0);
  assert.equal(target.toString(), 'more');
  taken.release();
});

test('a full disk is said clearly, and nothing stays', async (t) => {
  await withSpills(async (tmpdir) => {
    let left = 200_000;
    const write = fs.writeSync.bind(fs) as (...args: unknown[]) => number;
    t.mock.method(fs, 'writeSync', (...args: unknown[]) => {
      left -= (args[1] as Uint8Array).length;
      if (left < 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
      return write(...args);
    });
    const sort = toArray(externalSort(times(50_000, (i) => -i), { tmpdir }));
    await assert.rejects(sort, (error) => isStoreError(error, 'IO') && /disk is full.*tmpdir/.test(error.message) && (error.cause as NodeJS.ErrnoException).code === 'ENOSPC');
  });
});

test('deflated blocks and other strategies give the same', async () => {
  const rows = [...times(20_000, (id) => ({ id, key: (id * 7919) % 3000, name: `name ${id % 10}` }))];
  const expected = sortedBy(rows, ({ key }) => key);
  try {
    for (const settings of [{ compression: 'deflate' }, { chunkStrategy: 'log' }, { chunkStrategy: 'fixed' }, { budgetBytes: 64 * 1024 }] as const) {
      configure(settings);
      assert.deepEqual(await toArray(externalSort(rows, { by: 'key' })), expected);
      assert.deepEqual(await toArray(externalSort(rows.map(({ key }) => key))), expected.map(({ key }) => key));
      configure({ compression: undefined, chunkStrategy: undefined, budgetBytes: undefined });
    }
  } finally {
    configure({ compression: undefined, chunkStrategy: undefined, budgetBytes: undefined });
  }
});
