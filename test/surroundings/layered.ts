/** Uses a store and its backup that lie in the lower layer of an overlay: `<folder>`. Before, `make` puts them there. */
import assert from 'node:assert/strict';
import { open } from '../../src/index.ts';

const [folder, what] = process.argv.slice(2);
const map = await open<string, string>(`${folder}/store`);
map.set('made', 'x'.repeat(5000)).set('what', what!);
await map.backup(`${folder}/backup`);
if (what === 'use') {
  for (let i = 0; i < 100; i++) map.set(`${i}`, `${i} `.repeat(2000));
  await map.backup(`${folder}/backup`);
  for (let i = 0; i < 100; i++) map.delete(`${i}`);
  await map.vacuum();
  assert.deepEqual((await map.verify()).problems, []);
}
await map.close();
if (what === 'use') {
  const rebuilt = await open(`${folder}/store`, { rebuild: true });
  assert.equal(rebuilt.size, 2);
  await rebuilt.close();
  const backup = await open(`${folder}/backup`);
  assert.deepEqual([backup.size, backup.get('what')], [102, 'use']);
  await backup.close();
}
