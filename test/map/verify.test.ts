/**
 * Verify. Strategy: sound stores of every kind are verified, with budgets so small that everything spills, beside writers; then one thing at a
 * time is made wrong, with checksums that hold: rows, links, nodes of trees. Invariants: a sound store has no problems, whatever
 * happens beside it; what is wrong is named with its place and key; leftovers are no damage, and nothing else is ever removed.
 */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encodeKey } from '../../src/codec/key/keys.ts';
import { ChunkKind, Link } from '../../src/heap/chunk.ts';
import type { ChunkView } from '../../src/heap/chunk.ts';
import { makeChunk } from '../../src/heap/pending.ts';
import { oneLink } from '../../src/heap/rows/rows.ts';
import { open, StoreError } from '../../src/index.ts';
import type { LodeMap, RowDump, VerifyReport } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { StoreChild } from '../suite/children.ts';
import { scratch } from '../suite/scratch.ts';

const budgetBytes = 8 * 1024 * 1024;

async function fill(map: LodeMap, count: number): Promise<void> {
  await map.setMany(Array.from({ length: count }, (_, i) => [i, { id: i, text: `some words ${i % 97} that come again `.repeat(3), tags: [i % 7, `t${i % 11}`] }] as const));
  map.set('list', Array.from({ length: 20_000 }, (_, i) => i));
  map.set('texts', Array.from({ length: 5000 }, (_, i) => (i % 10 === 0 ? { i } : `text ${i}`)));
  map.set('object', Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [i % 3 === 0 ? `${i}` : `key ${i}`, i % 5 === 0 ? [i] : i])));
  map.set('map', new Map(Array.from({ length: 3000 }, (_, i) => [{ i }, `v${i}`])));
  map.set('set', new Set(Array.from({ length: 3000 }, (_, i) => `member ${i}`)));
  map.set('blob', Buffer.alloc(200_000, 'blob'));
  map.set('long key '.repeat(200), { of: 'a bucket', list: [1, 2, 3] });
  map.set('long key '.repeat(201), 2);
  const box = map.cell({ n: 1 });
  map.set('cells', { box, again: [box] });
  await map.flush();
}

/** Commits a chunk as the value of an entry; nothing but its bytes says that it is one. */
function plant(map: LodeMap, key: string, kind: ChunkKind, { payload, links = [] }: { payload: Uint8Array; links?: readonly Link[] }): void {
  const { heap } = storeOf(map);
  heap.lock(1000);
  try {
    heap.commit([{ table: 'entries', key: encodeKey(key), value: oneLink(makeChunk(kind, payload, links)) }]);
  } finally {
    heap.unlock();
  }
}

function viewOf(map: LodeMap, key: string): ChunkView {
  const [link] = (map.dump({ key }) as RowDump).links;
  return storeOf(map).heap.load(new Link(link!.ref, link!.hash));
}

function partsOf(view: ChunkView): { payload: Buffer; links: Link[] } {
  return { payload: Buffer.from(view.bytes.subarray(view.start, view.end)), links: Array.from({ length: view.linkCount }, (_, i) => view.link(i)) };
}

function said(report: VerifyReport): string[] {
  assert.equal(report.ok, report.problems.length === 0);
  return report.problems.map(({ code, message }) => `${code} ${message}`);
}

async function withMap(use: (map: LodeMap, path: string) => Promise<void>): Promise<void> {
  const path = join(scratch(), 'store');
  const map = (await open(path)) as LodeMap;
  try {
    await use(map, path);
  } finally {
    await map.close();
  }
}

describe('sound stores', () => {
  test('every kind of value, before and after vacuum, with everything spilled', async () => {
    await withMap(async (map, path) => {
      await fill(map, 60_000);
      const large = await map.verify();
      const small = await map.verify({ budgetBytes });
      assert.deepEqual(said(small), []);
      assert.deepEqual(small, large);
      assert.ok(large.chunks > 60_000);
      for (let i = 0; i < 60_000; i += 2) map.delete(i);
      (map.get('list') as unknown[]).splice(500, 9000);
      (map.get('map') as Map<unknown, unknown>).clear();
      const held = map.snapshot();
      map.set('texts', []);
      await map.flush();
      await map.vacuum();
      const after = await map.verify({ budgetBytes });
      assert.deepEqual(said(after), []);
      assert.deepEqual(after.leftovers, []);
      assert.ok(after.chunks < large.chunks);
      held.close();
      assert.deepEqual(readdirSync(path).filter((name) => name.startsWith('verify')), []);
    });
  });

  test('while another process sets and deletes', async () => {
    await withMap(async (map, path) => {
      await fill(map, 3000);
      const child = await StoreChild.open(path);
      const state = { stop: false };
      const writing = (async () => {
        for (let i = 0; !state.stop; i++) {
          await child.call('setAll', [[i, 'x'.repeat(i % 3000)], [`n${i}`, { i }]]);
          await child.call('deleteNow', i - 3);
        }
      })();
      for (let i = 0; i < 6; i++) assert.deepEqual(said(await map.verify()), []);
      state.stop = true;
      await writing;
      await child.close();
    });
  });

  test('aborted it stops and leaves nothing behind', async () => {
    await withMap(async (map, path) => {
      await fill(map, 3000);
      const stop = new AbortController();
      const isAborted = (error: unknown): boolean => error instanceof StoreError && error.code === 'ABORTED';
      const phases: string[] = [];
      const onProgress = ({ phase }: { phase: string }): void => void (phases.push(phase), phase === 'links' && stop.abort());
      await assert.rejects(map.verify({ signal: stop.signal, onProgress }), isAborted);
      assert.ok(phases.includes('log') && phases.includes('rows of entries'));
      assert.deepEqual(readdirSync(path).filter((name) => name.startsWith('verify')), []);
      await assert.rejects(map.verify({ budgetBytes: 1 }), RangeError);
      await assert.rejects(map.verify({ budget: 1 } as object), TypeError);
    });
  });
});

describe('an index that is wrong', () => {
  test('rows that are missing, stale, extra or torn are named', async () => {
    await withMap(async (map) => {
      await fill(map, 500);
      const { index } = storeOf(map).heap;
      const row = (key: number): Uint8Array => index.get('entries', encodeKey(key))!;
      const [old, other] = [row(1), row(2)];
      map.set(1, 'newer');
      await map.flush();
      index.write((writer) => {
        writer.delete('entries', encodeKey(10));
        writer.put('entries', encodeKey(1), old);
        writer.put('entries', encodeKey('extra'), other);
        writer.put('entries', encodeKey(3), Buffer.from([...row(3).subarray(0, 1), 9, 9]));
      });
      const problems = said(await map.verify());
      const expected = [/INDEX The row of entry 1 is stale: .* the log has another/, /INDEX The row of entry 10 is missing/, /INDEX The row of entry 'extra' is stale: .* the log has none/, /INDEX The row of entry 3: .*damaged/];
      for (const pattern of expected) assert.ok(problems.some((problem) => pattern.test(problem)), `${pattern}: ${problems.join('\n')}`);
      assert.deepEqual((await map.verify()).problems.filter(({ code }) => code !== 'INDEX'), []);
    });
  });

  test('buckets: those of chunks that are gone are leftovers, those of other content are not', async () => {
    await withMap(async (map) => {
      await fill(map, 500);
      const { index } = storeOf(map).heap;
      const [[firstKey, firstRow], [secondKey, secondRow]] = index.range('chunks', { limit: 2 }) as [[Uint8Array, Uint8Array], [Uint8Array, Uint8Array]];
      const nowhere = Buffer.from(firstRow);
      nowhere[1]! += 7;
      index.write((writer) => writer.put('chunks', firstKey, nowhere));
      const report = await map.verify();
      assert.deepEqual(said(report), []);
      assert.deepEqual(report.leftovers.map(({ code }) => code), ['BUCKET']);
      index.write((writer) => {
        writer.put('chunks', firstKey, secondRow);
        writer.put('chunks', secondKey, firstRow);
      });
      const wrong = said(await map.verify());
      assert.equal(wrong.length, 2);
      for (const problem of wrong) assert.match(problem, /INDEX The table of chunks leads to offset \d+ of segments.*content hash/);
    });
  });
});

describe('a log that is wrong', () => {
  test('a flipped byte: the place, and every key that leads there', async () => {
    await withMap(async (map, path) => {
      await fill(map, 300);
      const [link] = (map.dump({ key: 7 }) as RowDump).links;
      const name = join(path, 'segments', '00000001.seg');
      const bytes = readFileSync(name);
      bytes[link!.offset + 12]! ^= 4;
      writeFileSync(name, bytes);
      const report = await map.verify();
      assert.ok(report.problems.some(({ message, segment, offset }) => /damaged at offset/.test(message) && segment === 1 && offset === link!.offset));
      assert.ok(report.problems.some(({ key, offset }) => key === 'entry 7' && offset === link!.offset));
    });
  });

  test('nodes, links and shapes that are intact records and yet wrong', async () => {
    await withMap(async (map) => {
      await fill(map, 100);
      const list = partsOf(viewOf(map, 'list'));
      const object = partsOf(viewOf(map, 'object'));
      const recordOf7 = partsOf(viewOf(map, 7 as unknown as string));
      const count = Buffer.from(list.payload);
      count[3]! ^= 1;
      plant(map, 'count', ChunkKind.listInner, { payload: count, links: list.links });
      plant(map, 'order', ChunkKind.listInner, { payload: list.payload, links: list.links.toReversed() });
      plant(map, 'leaf', ChunkKind.listLeaf, { payload: Buffer.from([1, 5, 1, 2, 3]) });
      plant(map, 'kind', ChunkKind.objectRoot, { payload: object.payload, links: [list.links[0]!] });
      plant(map, 'trees', ChunkKind.mapRoot, { payload: object.payload, links: object.links.toReversed() });
      plant(map, 'hash', ChunkKind.value, { payload: recordOf7.payload, links: recordOf7.links.map(({ ref, hash }) => new Link(ref, hash ^ 1)) });
      plant(map, 'nowhere', ChunkKind.value, { payload: recordOf7.payload, links: recordOf7.links.map(({ ref, hash }) => new Link(ref + 16, hash)) });
      plant(map, 'shape', ChunkKind.value, { payload: Buffer.from([...recordOf7.payload.subarray(0, 2)].concat([0, 0])), links: recordOf7.links });
      plant(map, 'slots', ChunkKind.value, { payload: Buffer.from([0x71, 3, 5, 1, 2]) });
      plant(map, 'two', ChunkKind.value, { payload: Buffer.from([1, 2]) });
      plant(map, 'blob', ChunkKind.blob, { payload: partsOf(viewOf(map, 'blob')).payload, links: partsOf(viewOf(map, 'blob')).links.slice(1) });
      const report = await map.verify();
      const at = (key: string): string[] => {
        const { segment, offset } = (map.dump({ key }) as RowDump).links[0]!;
        return report.problems.filter((one) => one.segment === segment && one.offset === offset).map(({ message }) => message);
      };
      assert.match(at('count').join(), /counts \d+ instead of \d+/);
      assert.ok(at('order').length > 0);
      assert.match(at('leaf').join(), /sizes do not fit/);
      assert.match(at('kind').join(), /of kind 3, which has no place there/);
      assert.ok(report.problems.some(({ message }) => /of another kind of tree: its items have \d slots instead of \d/.test(message)));
      assert.match(at('hash').join(), /content hash is .*, the link says/);
      assert.match(at('nowhere').join(), /there begins no intact record/);
      assert.ok(at('shape').length > 0 && at('slots').length > 0 && at('two').length > 0);
      assert.match(at('blob').join(), /a blob of 200000 bytes in 4 pieces/);
      assert.ok(report.problems.every(({ code }) => code === 'CORRUPT'));
    });
  });

  test('a node that is not the last of its level must end where the rule cuts, however deep', async () => {
    await withMap(async (map) => {
      map.set('list', Array.from({ length: 400_000 }, (_, i) => i * 7));
      map.set('short', [1, 2, 3].concat(Array.from({ length: 700 }, (_, i) => i)));
      await map.flush();
      assert.deepEqual(said(await map.verify()), []);
      const root = partsOf(viewOf(map, 'list'));
      // The last child goes first: it ends where only a last one may.
      const moved = [root.links.at(-1)!, ...root.links.slice(0, -1)];
      plant(map, 'moved', ChunkKind.listInner, { payload: root.payload, links: moved });
      const problems = said(await map.verify());
      assert.ok(problems.some((problem) => /counts|ends where only the last/.test(problem)), problems.join('\n'));
    });
  });
});

describe('leftovers', () => {
  test('are named, are no damage, and go when that is asked for', async () => {
    const path = join(scratch(), 'store');
    const child = await StoreChild.open(path);
    await child.call('set', 'a', [1, 2]);
    await child.call('flush');
    await child.call('snapshot');
    const map = (await open(path)) as LodeMap;
    await child.kill();
    for (const folder of ['vacuum', 'index.new', 'verify-999999999-1']) mkdirSync(join(path, folder));
    writeFileSync(join(path, 'segments', '00000001-9.dead'), 'x');
    writeFileSync(join(path, 'index', 'marker.new'), 'x');
    writeFileSync(join(path, 'mine.txt'), 'x');
    appendFileSync(join(path, 'segments', '00000001.seg'), 'torn');
    const before = await map.verify();
    assert.deepEqual(said(before), []);
    assert.deepEqual(before.leftovers.map(({ code }) => code).toSorted(), ['PIN', 'STRANGER', 'TORN', 'UNFINISHED', 'UNFINISHED', 'UNFINISHED', 'UNFINISHED', 'UNFINISHED']);
    assert.deepEqual(before, await map.verify());
    const bytes = statSync(join(path, 'segments', '00000001.seg')).size;
    const dropped = await map.verify({ dropLeftovers: true });
    assert.deepEqual(dropped.leftovers, before.leftovers);
    assert.deepEqual((await map.verify()).leftovers.map(({ code }) => code), ['STRANGER']);
    assert.equal(statSync(join(path, 'segments', '00000001.seg')).size, bytes - 4);
    assert.ok(existsSync(join(path, 'mine.txt')) && !existsSync(join(path, 'vacuum')));
    assert.equal(JSON.stringify(map.get('a')), '[1,2]');
    const reader = (await open(path, { readOnly: true })) as LodeMap;
    await assert.rejects(reader.verify({ dropLeftovers: true }), (error: StoreError) => error.code === 'READ_ONLY');
    await reader.close();
    await map.close();
  });
});
