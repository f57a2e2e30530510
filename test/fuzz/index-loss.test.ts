/**
 * The index lost.
 *
 * Strategy: a closed store loses its index in every way there is: parts or all of it removed, cut short, zeroed, exchanged for
 * another store's or an older one of its own. Invariants: the next open builds it from the log, and everything is there.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { Random, amount, seedOf } from '../suite/random.ts';
import { scratch } from '../suite/scratch.ts';
import { plain } from '../suite/views.ts';
import { assertSame } from '../suite/same.ts';
import { damage } from './damage.ts';

const entries = 400;

function valueOf(i: number): unknown {
  return i % 3 === 0 ? { i, list: Array.from({ length: i }, (_, j) => j) } : `value ${i}`;
}

/**
 * A closed store, and its index as it was when the store held half as much. Vacuumed: half of what was written is gone from its segments,
 * which leaves one compacted, with deletions of what lies in no segment any more.
 */
async function makeStore(vacuumed: boolean): Promise<{ path: string; older: string }> {
  const folder = scratch();
  const path = join(folder, 'store');
  const older = join(folder, 'older');
  for (const half of [0, 1]) {
    const map = (await open(path)) as LodeMap;
    for (let i = half * (entries / 2); i < (entries / 2) * (half + 1); i++) map.set(i, valueOf(i));
    map.set('overwritten', half);
    map.set(`deleted ${half}`, 1);
    map.delete('deleted 0');
    if (vacuumed) {
      for (let i = 0; i < 20; i++) map.set(`filler ${i}`, `${i} ${half} `.repeat(500));
      await map.flush();
      for (let i = 0; i < 20; i++) map.delete(`filler ${i}`);
      await map.vacuum({ sparseBelow: 1 });
      // What dies now is listed, and stays.
      map.set('listed', 'x'.repeat(600)).delete('listed');
      await map.flush();
      await map.vacuum({ sparseBelow: 0 });
    }
    await map.close();
    if (half === 0) cpSync(join(path, 'index'), older, { recursive: true });
  }
  return { path, older };
}

async function check(path: string): Promise<void> {
  await using map = (await open(path)) as LodeMap;
  assert.equal(map.size, entries + 2);
  for (let i = 0; i < entries; i++) assertSame(plain(map.get(i)), valueOf(i));
  assert.equal(map.get('overwritten'), 1);
  assert.equal(map.has('deleted 0'), false);
  map.set('after', 1);
  assert.ok((await map.verify()).ok);
}

suite('the index is built anew', () => {
  const losses: Array<[string, (index: string, older: string) => void | Promise<void>]> = [
    ['when it is gone', (index) => rmSync(index, { recursive: true })],
    ['when its data are gone', (index) => rmSync(join(index, 'data.mdb'))],
    ['when its lock file is gone', (index) => rmSync(join(index, 'lock.mdb'), { force: true })],
    ['when its marker is gone', (index) => rmSync(join(index, 'marker'))],
    ['when its marker is empty', (index) => writeFileSync(join(index, 'marker'), '')],
    ['when its data are cut short', (index) => truncateSync(join(index, 'data.mdb'), 5000)],
    ['when its data are empty', (index) => truncateSync(join(index, 'data.mdb'), 0)],
    ['when its data are zeros', (index) => writeFileSync(join(index, 'data.mdb'), Buffer.alloc(statSync(join(index, 'data.mdb')).size))],
    ['when its lock file is noise', (index) => writeFileSync(join(index, 'lock.mdb'), Buffer.alloc(8192, 0xa5))],
    ['when it is an older one', (index, older) => {
      rmSync(index, { recursive: true });
      cpSync(older, index, { recursive: true });
    }],
    ['when its data are older ones', (index, older) => cpSync(join(older, 'data.mdb'), join(index, 'data.mdb'))],
    ['when a rebuild was cut short', (index) => {
      rmSync(index, { recursive: true });
      mkdirSync(`${index}.new`);
      writeFileSync(join(`${index}.new`, 'data.mdb'), 'half done');
    }],
    ['when it belongs to another store', async (index) => {
      const other = join(scratch(), 'other');
      const map = await open(other);
      map.set('stranger', 1);
      await map.close();
      rmSync(index, { recursive: true });
      cpSync(join(other, 'index'), index, { recursive: true });
    }],
  ];
  for (const [name, lose] of losses) {
    for (const vacuumed of [false, true]) {
      test(`${name}${vacuumed ? ', of a store that was vacuumed' : ''}`, async () => {
        const { path, older } = await makeStore(vacuumed);
        await lose(join(path, 'index'), older);
        await check(path);
      });
    }
  }
});

test('what is no index, but has its name, is refused and left alone', async () => {
  const { path } = await makeStore(false);
  const index = join(path, 'index');
  rmSync(index, { recursive: true });
  writeFileSync(index, 'not a folder');
  await assert.rejects(open(path), { code: 'FORMAT' });
  assert.equal(readFileSync(index, 'latin1'), 'not a folder');
  rmSync(index);
  await check(path);
});

test('an index that is damaged after its process was killed is not believed', async (t) => {
  const random = new Random(seedOf(t));
  for (let round = amount('LODEMAP_KILLED_INDEXES', 6); round > 0; round--) {
    const { path } = await makeStore(round % 2 === 1);
    const child = await StoreChild.open(path);
    await child.call('set', 'overwritten', 1);
    await child.call('flush');
    await child.kill();
    const name = 'index/data.mdb';
    const file = join(path, name);
    const damaged = damage(new Map([[name, readFileSync(file)]]), random);
    const bytes = damaged.files.get(name);
    if (bytes === undefined) rmSync(file);
    else writeFileSync(file, bytes);
    t.diagnostic(damaged.what);
    await check(path);
  }
});

test('an index is built at the speed of reading', async (t) => {
  const path = join(scratch(), 'store');
  const records = amount('LODEMAP_REBUILD_RECORDS', 60_000);
  const map = (await open(path)) as LodeMap;
  await map.setMany(
    (function* (): Generator<[number, unknown]> {
      for (let i = 0; i < records; i++) {
        yield [i, { id: i, name: `name ${i}`, tags: ['a', `tag ${i % 5000}`, 'c'], score: i / 7, addr: { city: `city ${i % 900}`, zip: i % 99_999 } }];
      }
    })(),
  );
  await map.close();
  rmSync(join(path, 'index'), { recursive: true });
  const start = performance.now();
  const again = (await open(path)) as LodeMap;
  const seconds = (performance.now() - start) / 1000;
  const { bytesOnDisk } = again.stats();
  t.diagnostic(`${records} records, ${(bytesOnDisk / 1e6 / seconds).toFixed(0)} MB/s`);
  assert.equal(again.size, records);
  await again.close();
});
