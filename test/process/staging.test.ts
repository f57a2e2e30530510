/**
 * Long writes beside vacuums.
 *
 * Strategy: one process extends a list from a slow source, so that most of it lies in the log with nothing that leads there, while
 * another one, which has never read any of it, vacuums all it can, several times; also when a vacuum is under way as the writing begins, and
 * when the writer dies. Invariants: what is written is whole, the store verifies, also with an index made anew; what nobody finished goes.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from '../../src/index.ts';
import type { LazyList, LodeMap, VacuumReport } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { scratch } from '../suite/scratch.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';

const items = 12_000;

function itemOf(i: number): { i: number; text: string } {
  return { i, text: `${i} `.repeat(60 + (i % 40)) };
}

/** All items, with a break at each of `breaks`. */
async function* slowly(breaks: ReadonlyMap<number, () => Promise<unknown>>): AsyncGenerator<{ i: number; text: string }> {
  for (let i = 0; i < items; i++) {
    await breaks.get(i)?.();
    yield itemOf(i);
  }
}

function checkList(list: LazyList<{ i: number; text: string }>): void {
  assert.equal(list.length, items);
  let i = 0;
  for (const item of list) {
    const expected = itemOf(i++);
    if (item.i !== expected.i || item.text !== expected.text) assert.fail(`item ${expected.i} is another`);
  }
}

async function checkStore(path: string): Promise<void> {
  await using map = (await open(path, { rebuild: true })) as LodeMap<string, LazyList<{ i: number; text: string }>>;
  checkList(map.get('list')!);
  const { ok, problems } = await map.verify();
  assert.ok(ok, JSON.stringify(problems.slice(0, 3)));
}

/** A store in a folder of its own that has some garbage, and a child that vacuums it. */
async function storeAndVacuumer(t: TestContext): Promise<{ path: string; map: LodeMap; child: StoreChild }> {
  const path = join(scratch(), 'store');
  const map = (await open(path)) as LodeMap;
  map.set('list', []);
  map.set('garbage', Array.from({ length: 3000 }, (_, i) => itemOf(-1 - i)));
  await map.flush();
  map.delete('garbage');
  await map.flush();
  const child = await StoreChild.open(path);
  t.after(async () => {
    await child.kill();
    await map.close();
  });
  return { path, map, child };
}

suite('a list that is written slowly', () => {
  before(() => setSegmentBytes(128 * 1024));
  after(() => setSegmentBytes(undefined));

  test('is whole after vacuums in another process', async (t) => {
    const { path, map, child } = await storeAndVacuumer(t);
    const reports: VacuumReport[] = [];
    const vacuum = async (): Promise<void> => {
      reports.push(await child.call<VacuumReport>('vacuum', { sparseBelow: 1 }));
    };
    const list = map.get('list') as LazyList<{ i: number; text: string }>;
    assert.equal(await list.extend(slowly(new Map([4000, 8000, 11_999].map((i) => [i, vacuum])))), items);
    await map.flush();
    // The first one takes the garbage from before, and none of them what is being written.
    assert.ok(reports[0]!.bytesAfter < reports[0]!.bytesBefore);
    assert.deepEqual(reports.slice(1).map(({ chunksDead }) => chunksDead), [0, 0]);
    await vacuum();
    checkList(map.get('list') as LazyList<{ i: number; text: string }>);
    await child.close();
    await map.close();
    await checkStore(path);
  });

  test('is whole when a vacuum is under way as it begins, and more follow', async (t) => {
    const { path, map, child } = await storeAndVacuumer(t);
    const underWay = child.call('vacuum', { sparseBelow: 1, maxBytesPerSecond: 2_000_000 });
    await sleep(100);
    const list = map.get('list') as LazyList<{ i: number; text: string }>;
    const breaks = new Map([
      [6000, () => underWay],
      [9000, () => child.call('vacuum', { sparseBelow: 1 })],
      [11_000, () => map.vacuum({ sparseBelow: 1 })],
    ]);
    await list.extend(slowly(breaks));
    await child.call('vacuum', { sparseBelow: 1 });
    checkList(map.get('list') as LazyList<{ i: number; text: string }>);
    await child.close();
    await map.close();
    await checkStore(path);
  });

  test('goes when its writer gives it up or dies', async (t) => {
    const { map, child } = await storeAndVacuumer(t);
    const list = map.get('list') as LazyList<{ i: number; text: string }>;
    await assert.rejects(list.extend(slowly(new Map([[10_000, () => Promise.reject(new Error('given up'))]]))), { message: 'given up' });
    await map.flush();
    await sleep(10);
    await child.call('vacuum', { sparseBelow: 1 });
    const small = map.stats().bytesOnDisk;
    await child.call('extendWithoutEnd', 'list', items);
    const before = await map.vacuum({ sparseBelow: 1 });
    assert.ok(before.bytesAfter > small + 1_000_000, 'a vacuum leaves alone what the child is writing');
    await child.kill();
    const after = await map.vacuum({ sparseBelow: 1 });
    assert.ok(after.bytesAfter < small + 200_000, `${after.bytesAfter} bytes are left of ${before.bytesAfter}, ${small} before`);
    assert.equal((map.get('list') as unknown[]).length, 0);
    await map.close();
  });
});
