import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { probeIndex } from '../../src/storage/index-probe.ts';
import { openLmdbIndex } from '../../src/storage/lmdb-index.ts';

const base = fs.mkdtempSync(join(os.tmpdir(), 'lodemap-probe-'));
const sane = join(base, 'sane');
after(() => fs.rmSync(base, { recursive: true, force: true }));

before(async () => {
  const index = openLmdbIndex(sane, { create: true });
  index.write((w) => {
    for (let i = 0; i < 5000; i++) w.put('entries', Buffer.from(`key-${i}`), Buffer.alloc(100, i));
  });
  index.sync();
  await index.close();
});

function damaged(name: string, damage: (data: Buffer) => Buffer): string {
  const folder = join(base, name);
  fs.mkdirSync(folder);
  fs.writeFileSync(join(folder, 'data.mdb'), damage(fs.readFileSync(join(sane, 'data.mdb'))));
  return folder;
}

test('a sane index survives', async () => {
  assert.equal(await probeIndex(sane), true);
});

test('a missing one does not', async () => {
  assert.equal(await probeIndex(join(base, 'none')), false);
});

test('damage that ends a process ends the child', async () => {
  const truncated = damaged('truncated', (data) => data.subarray(0, 3 * 4096));
  const blank = damaged('blank', (data) => Buffer.concat([data.subarray(0, 2 * 4096), Buffer.alloc(data.length - 2 * 4096)]));
  const noise = damaged('noise', (data) => {
    for (let i = 2 * 4096; i < data.length; i += 7) data[i] = (i * 31) & 0xff;
    return data;
  });
  assert.deepEqual(await Promise.all([truncated, blank, noise].map((folder) => probeIndex(folder))), [false, false, false]);
});

test('an index that takes too long does not', async () => {
  assert.equal(await probeIndex(sane, { timeoutMs: 1 }), false);
});
