/**
 * The hazards of vacuum, one by one.
 *
 * Strategy: each test brings about the one meeting of vacuum with somebody else in which data would be lost were it not for the
 * remedy that README.md names, by committing from within the calls that vacuum makes. Invariants: what anything leads to reads as
 * it was written, at once, after the next vacuum and with an index made again from the log; what is gone says NOT_FOUND.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { StoreError } from '../../src/base/errors.ts';
import { Link } from '../../src/heap/chunk.ts';
import type { Heap } from '../../src/heap/heap.ts';
import { MemoryHome } from '../../src/heap/rows/index-home.ts';
import { vacuumHeap } from '../../src/heap/vacuum/vacuum.ts';
import type { VacuumParts } from '../../src/heap/vacuum/vacuum.ts';
import { verifyHeap } from '../../src/heap/verify/verify.ts';
import { CrashStorage } from '../../src/storage/crash-storage.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { vacuumParts } from '../crash/heap-crash.ts';
import { fillSegment, has, leaf, linkOf, openSmall, put, textOf } from './small-heap.ts';

/** A heap with what a test wants in its first segment, which is full; the second one is begun. */
async function begun(first: (heap: Heap) => void, storage: Storage = new MemoryStorage()): Promise<Heap> {
  const { heap } = await openSmall(storage);
  first(heap);
  fillSegment(heap, 'filler');
  return heap;
}

function vacuum(heap: Heap, sparseBelow: number): ReturnType<typeof vacuumHeap> {
  return vacuumHeap(vacuumParts(heap), { sparseBelow });
}

/** Deletes what fills the first segments, so that the next vacuum writes them anew. */
function deleteFillers(heap: Heap): void {
  for (const name of ['filler', 'filler more']) {
    for (let i = 0; i < 8; i++) if (has(heap, `${name} ${i}`)) put(heap, `${name} ${i}`, undefined);
  }
}

/** Entries read as expected, and again after a vacuum that leaves no garbage, and after a rebuild of the index. */
async function assertHolds(heap: Heap, expected: Record<string, string | undefined>): Promise<void> {
  const check = async (one: Heap, when: string): Promise<void> => {
    for (const [key, text] of Object.entries(expected)) {
      if (text === undefined) assert.ok(!has(one, key), `${key} is there ${when}`);
      else assert.equal(textOf(one, linkOf(one, key)), text, `${key} ${when}`);
    }
    assert.deepEqual((await verifyHeap(one)).problems, [], when);
  };
  await check(heap, 'at once');
  await check((await openSmall(heap.storage)).heap, 'with the index made anew');
  await vacuum(heap, 1);
  await check(heap, 'after another vacuum');
  await check((await openSmall(heap.storage)).heap, 'with the index made anew after another vacuum');
}

/** Vacuum's parts that run `meanwhile` just before it takes the commit lock for the time numbered `when`: 1 is the begin. */
function interrupted(heap: Heap, when: number, meanwhile: () => void | Promise<void>): VacuumParts {
  const parts = vacuumParts(heap);
  let taken = 0;
  return {
    ...parts,
    exclusively: async (fn) => {
      if (++taken === when) await meanwhile();
      return parts.exclusively(fn);
    },
  };
}

const settling = 2;
const publishing = 3;

suite('a dead chunk does not come back to life', () => {
  test('by deduplication, though its bytes are there', async () => {
    const heap = await begun((it) => put(it, 'a', leaf('the same')));
    put(heap, 'a', undefined);
    await vacuum(heap, 0);
    put(heap, 'b', leaf('the same'));
    await assertHolds(heap, { a: undefined, b: 'the same' });
  });

  test('by deduplication, while its segment is being written anew without it', async () => {
    const heap = await begun((it) => put(it, 'a', leaf('the same')));
    put(heap, 'a', undefined);
    deleteFillers(heap);
    await vacuumHeap(interrupted(heap, publishing, () => put(heap, 'b', leaf('the same'))), { sparseBelow: 1 });
    await assertHolds(heap, { a: undefined, b: 'the same' });
  });

  test('by a link, while its segment is being written anew without it', async () => {
    const heap = await begun((it) => put(it, 'a', leaf('held', [leaf('below')])));
    const held = linkOf(heap, 'a');
    put(heap, 'a', undefined);
    deleteFillers(heap);
    await vacuumHeap(interrupted(heap, publishing, () => put(heap, 'b', leaf('new', [held]))), { sparseBelow: 1 });
    await assertHolds(heap, { a: undefined, b: 'new[held[below]]' });
  });

  test('by deduplication of a parent whose child is gone', async () => {
    const heap = await begun((it) => put(it, 'child', leaf('a child')));
    const child = linkOf(heap, 'child');
    put(heap, 'parent', leaf('a parent', [child]));
    for (let i = 0; i < 3; i++) put(heap, `dense ${i}`, leaf(`${i} `.repeat(1500)));
    put(heap, 'child', undefined);
    put(heap, 'parent', undefined);
    deleteFillers(heap);
    // The first segment is written anew, without the child; the second is dense, and keeps the dead parent.
    await vacuum(heap, 0.5);
    assert.ok(heap.segments.manifest.segments.get(1)?.compacted !== undefined || heap.segments.isRetired(1));
    assert.ok(heap.segments.deadOffsets(2).length > 0, 'the parent is dead, and there');
    put(heap, 'parent', leaf('a parent', [leaf('a child')]));
    await assertHolds(heap, { parent: 'a parent[a child]' });
  });

  test('by a link that somebody held: it is placed anew, or refused', async () => {
    const heap = await begun((it) => put(it, 'a', leaf('held', [leaf('below')])));
    const held = linkOf(heap, 'a');
    put(heap, 'a', undefined);
    await vacuum(heap, 0);
    put(heap, 'b', leaf('new', [held]));
    await assertHolds(heap, { b: 'new[held[below]]' });
    const again = linkOf(heap, 'b');
    put(heap, 'b', undefined);
    deleteFillers(heap);
    await vacuum(heap, 1);
    const { heap: other } = await openSmall(heap.storage);
    assert.throws(() => put(other, 'c', again), { code: 'CONFLICT' });
    assert.equal(other.failure, undefined, 'a refused commit has done nothing');
    await assertHolds(other, { b: undefined, c: undefined });
  });
});

suite('commits between mark and publish', () => {
  for (const [what, link] of [
    ['equal content', () => leaf('the parent', [leaf('the child')])],
    ['a link', (held: Link) => held],
    ['a link in a chunk', (held: Link) => leaf('above', [held])],
  ] as const) {
    test(`${what} of what the mark found dead`, async () => {
      const heap = await begun((it) => put(it, 'a', leaf('the parent', [leaf('the child')])));
      const held = linkOf(heap, 'a');
      put(heap, 'a', undefined);
      deleteFillers(heap);
      await vacuumHeap(interrupted(heap, settling, () => put(heap, 'b', link(held))), { sparseBelow: 1 });
      const text = 'the parent[the child]';
      await assertHolds(heap, { a: undefined, b: what === 'a link in a chunk' ? `above[${text}]` : text });
    });
  }

  test('an entry that is deleted and set while a segment is written anew', async () => {
    const heap = await begun((it) => {
      for (const key of ['deleted', 'set', 'cleared']) put(it, key, leaf(`${key} before`));
    });
    deleteFillers(heap);
    const change = (): void => {
      put(heap, 'deleted', undefined);
      put(heap, 'set', leaf('set anew'));
    };
    await vacuumHeap(interrupted(heap, publishing, change), { sparseBelow: 1 });
    await assertHolds(heap, { deleted: undefined, set: 'set anew', cleared: 'cleared before' });
  });
});

suite('deletions outlive the puts they hide', () => {
  test('where the put lies in a segment that stays', async () => {
    const heap = await begun((it) => {
      put(it, 'hidden', leaf('hidden'));
      for (let i = 0; i < 3; i++) put(it, `dense ${i}`, leaf(`${i} `.repeat(2000)));
    });
    for (let i = 0; i < 3; i++) put(heap, `filler 2 ${i}`, leaf(`${i} gone `.repeat(500)));
    put(heap, 'hidden', undefined);
    for (let i = 0; i < 3; i++) put(heap, `filler 2 ${i}`, undefined);
    await vacuum(heap, 0.5);
    assert.equal(heap.segments.manifest.segments.get(1)?.compacted ?? 0, 0, 'the first segment stays');
    assert.ok(heap.segments.manifest.segments.get(2)!.compacted > 0, 'the second is written anew');
    await assertHolds(heap, { hidden: undefined, 'filler 2 0': undefined });
  });

  test('a clearing, too', async () => {
    const heap = await begun((it) => {
      for (let i = 0; i < 5; i++) put(it, `hidden ${i}`, leaf(`hidden ${i}`));
      const stays = leaf('stays '.repeat(2000));
      put(it, 'stays', stays);
    });
    const stays = linkOf(heap, 'stays');
    put(heap, 'garbage', leaf('garbage '.repeat(1000)));
    heap.lock(1000);
    heap.commit([{ table: 'entries', key: new Uint8Array(0), value: undefined, clear: true }]);
    heap.unlock();
    put(heap, 'stays', stays);
    await vacuum(heap, 0.5);
    assert.equal(heap.segments.manifest.segments.get(1)?.compacted ?? 0, 0, 'the first segment stays');
    assert.ok(heap.segments.manifest.segments.get(2)!.compacted > 0, 'the second is written anew');
    await assertHolds(heap, { 'hidden 0': undefined, 'hidden 4': undefined, stays: 'stays '.repeat(2000) });
  });
});

suite('only one vacuum publishes', () => {
  for (const [when, at] of [
    ['before the dead are published', settling],
    ['before a segment is', publishing],
  ] as const) {
    test(`the one that was passed ${when} does nothing more`, async () => {
      const heap = await begun((it) => put(it, 'a', leaf('a', [leaf('below a')])));
      put(heap, 'b', leaf('b', [leaf('below b')]));
      deleteFillers(heap);
      let between = 0;
      const second = async (): Promise<void> => {
        await vacuum(heap, 1);
        between = heap.segments.manifest.generation;
        put(heap, 'c', leaf('c', [linkOf(heap, 'b')]));
      };
      await assert.rejects(vacuumHeap(interrupted(heap, at, second), { sparseBelow: 1 }), { code: 'LOCKED' });
      assert.equal(heap.segments.manifest.generation, between, 'nothing was published');
      assert.equal(heap.failure, undefined);
      await assertHolds(heap, { a: 'a[below a]', b: 'b[below b]', c: 'c[b[below b]]' });
    });
  }

  test('the one that lost its lock does nothing more', async () => {
    const heap = await begun((it) => put(it, 'a', leaf('a')));
    deleteFillers(heap);
    const lost = (): void => {
      throw new StoreError('LOCKED', 'The lock was lost');
    };
    await assert.rejects(vacuumHeap({ ...vacuumParts(heap), assertHeld: lost }, { sparseBelow: 1 }), { code: 'LOCKED' });
    assert.equal(heap.segments.manifest.generation, 0);
    await assertHolds(heap, { a: 'a' });
  });
});

suite('readers', () => {
  test('one that opens a segment after it was replaced finds what is live, and never anything else', async () => {
    const storage = new MemoryStorage();
    const home = new MemoryHome();
    const { heap } = await openSmall(storage, home);
    put(heap, 'live', leaf('live'));
    put(heap, 'dead', leaf('dead'));
    fillSegment(heap, 'filler');
    put(heap, 'retired', leaf('retired'));
    fillSegment(heap, 'filler more');
    const { heap: late } = await openSmall(storage, home);
    const links = ['live', 'dead', 'retired'].map((key) => new Link(linkOf(late, key).ref, linkOf(late, key).hash));
    put(heap, 'dead', undefined);
    put(heap, 'retired', undefined);
    deleteFillers(heap);
    await vacuum(heap, 1);
    assert.ok(heap.segments.isRetired(2) && heap.segments.manifest.segments.get(1)!.compacted > 0);
    // No refresh: its stretch, and its manifest, are of before.
    assert.equal(late.segments.manifest.generation, 0);
    assert.equal(textOf(late, links[0]!), 'live');
    assert.throws(() => textOf(late, links[1]!), { code: 'NOT_FOUND' });
    assert.throws(() => textOf(late, links[2]!), { code: 'NOT_FOUND' });
  });

  test('one that has a segment open reads on in it, through several vacuums', async () => {
    const heap = await begun((it) => {
      for (let i = 0; i < 3; i++) put(it, `value ${i}`, leaf(`value ${i} `.repeat(550)));
    });
    const links = Array.from({ length: 3 }, (_, i) => new Link(linkOf(heap, `value ${i}`).ref, 0));
    for (let i = 0; i < 2; i++) {
      // The segment is written anew each time, and each time it was open.
      textOf(heap, linkOf(heap, 'value 2'));
      put(heap, `value ${i}`, undefined);
      await vacuum(heap, 1);
      assert.equal(heap.segments.manifest.segments.get(1)?.compacted, heap.segments.manifest.generation);
    }
    heap.cache.clear();
    for (const [i, link] of links.entries()) assert.equal(textOf(heap, link), `value ${i} `.repeat(550));
  });
});

test('a disk that is full while a segment is written anew costs nothing but the vacuum', async () => {
  const storage = new CrashStorage();
  const heap = await begun((it) => put(it, 'a', leaf('a', [leaf('below')])), storage);
  deleteFillers(heap);
  const names = (): string[] => storage.list('segments').toSorted();
  for (const full of [/-\d+\.seg$/, /\.dead$/, /manifest/]) {
    const before = names();
    storage.onOperation = ({ kind, name }) => ((kind === 'write' || kind === 'create') && full.test(name) ? 'ENOSPC' : undefined);
    await assert.rejects(vacuum(heap, 1), { code: 'IO' }, String(full));
    storage.onOperation = undefined;
    assert.equal(heap.failure, undefined, 'the heap goes on');
    // The log may have gone on, and the dead may be known; files of segments that nobody needs are not left behind.
    assert.deepEqual(names().filter((name) => !before.includes(name) && /-\d+\.seg$/.test(name)), []);
    put(heap, `after ${full}`, leaf('after'));
  }
  assert.ok((await vacuum(heap, 1)).segmentsCompacted > 0);
  await assertHolds(heap, { a: 'a[below]', 'after /manifest/': 'after' });
});
