/** Stretches: whoever looks at the newest state, the rows that a store has in memory are forgotten when others have committed. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { StoreChild } from '../suite/children.ts';
import { scratch } from '../suite/scratch.ts';

test('work beside the user that follows the log does not hide from him that others have committed', async () => {
  const path = join(scratch(), 'store');
  const map = (await open(path)) as LodeMap;
  map.set('k', 1);
  await map.flush();
  assert.equal(map.get('k'), 1);
  const child = await StoreChild.open(path);
  await child.call('set', 'k', 2);
  await child.call('flush');
  storeOf(map).heap.refresh();
  assert.equal(map.get('k'), 2);
  await child.call('set', 'k', 3);
  await child.call('flush');
  storeOf(map).heap.refresh();
  assert.equal(
    map.transaction(() => map.get('k')),
    3,
  );
  await child.close();
  await map.close();
});
