/** Lists that are extended and sorted piece by piece, over a real store: what is written ahead must not get lost on the way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LazyList } from '../../src/lazy/lazy-list.ts';
import { open } from '../../src/map/open.ts';
import { scratch } from '../suite/scratch.ts';

interface Item {
  readonly i: number;
  readonly text: string;
}

const n = 30_000;

async function* items(meanwhile: (i: number) => Promise<unknown> = async () => undefined): AsyncGenerator<Item, void, undefined> {
  for (let i = 0; i < n; i++) {
    if (i % 10_000 === 5000) await meanwhile(i);
    yield { i, text: `text of ${i} ${'x'.repeat(200)}` };
  }
}

test('a vacuum in the middle, and reopening', async () => {
  const folder = scratch();
  const map = await open<string, LazyList<Item>>(folder);
  map.set('list', [] as never);
  assert.equal(await map.get('list')!.extend(items(() => map.vacuum({ sparseBelow: 1 }))), n);
  await map.close();
  const again = await open<string, LazyList<Item>>(folder);
  const list = again.get('list')!;
  list.sort((a, b) => b.i - a.i);
  await again.vacuum({ sparseBelow: 1 });
  assert.ok((await again.verify()).ok);
  await again.close();
  const last = await open<string, LazyList<Item>>(folder, { readOnly: true });
  assert.deepEqual(Array.from(last.get('list')!, ({ i }) => i), Array.from({ length: n }, (_, i) => n - 1 - i));
  await last.close();
});

test('nothing is seen of it before it is done, and a change by another conflicts', async () => {
  const map = await open<string, LazyList<Item>>(scratch());
  map.set('list', [] as never);
  const extending = map.get('list')!.extend(
    items(async (i) => {
      assert.equal(map.get('list')!.length, i === 25_000 ? 1 : 0);
      if (i === 15_000) map.set('list', [{ i: -1, text: '' }] as never);
    }),
  );
  await assert.rejects(extending, { code: 'CONFLICT' });
  assert.equal(map.get('list')!.length, 1);
  await map.close();
});

test('what may not be written is told before anything is', async () => {
  const folder = scratch();
  const map = await open<string, LazyList<Item>>(folder, { maxBytes: 2 << 20 });
  map.set('list', [] as never);
  await assert.rejects(map.get('list')!.extend(items()), { code: 'QUOTA' });
  assert.equal(map.get('list')!.length, 0);
  await map.close();
  const reading = await open<string, LazyList<Item>>(folder, { readOnly: true });
  await assert.rejects(async () => reading.get('list')!.extend(items()), { code: 'READ_ONLY' });
  await reading.close();
});
