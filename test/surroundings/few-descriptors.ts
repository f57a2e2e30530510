/**
 * Does with a store of a hundred segments all that opens files: `<folder> <library>`. It imports the files as they are packed: loading the
 * modules one by one takes more descriptors than it is given.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { open as openStore } from '../../src/index.ts';

const [folder, library] = process.argv.slice(2) as [string, string];
const { open } = (await import(library)) as { open: typeof openStore };
const map = await open<number, string>(`${folder}/store`, { segmentBytes: 65_536 });
const keys = Array.from({ length: 700 }, (_, i) => i);
const texts = keys.map(() => randomBytes(7500).toString('base64'));
for (let i = 0; i < keys.length; i += 7) {
  map.transaction(() => {
    for (const key of keys.slice(i, i + 7)) map.set(key, texts[key]!);
  });
}
await map.flush();
assert.ok(map.stats().segments > 90);
const check = async (): Promise<void> => {
  for (const [key, value] of map) assert.equal(value, texts[key]);
  assert.deepEqual((await map.verify({ budgetBytes: 1024 * 1024 })).problems, []);
  await map.backup(`${folder}/backup`);
};
await check();
for (const key of keys) if (key % 7 > 1) map.delete(key);
assert.ok((await map.vacuum()).segmentsCompacted > 50);
await check();
map.set(0, 'new');
await map.close();
console.log('done');
