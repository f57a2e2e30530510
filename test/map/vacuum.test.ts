/** Vacuum, from the public surface: what goes, what stays, and what others notice. */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LazyList, contentId, materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { scratch } from '../suite/scratch.ts';

interface Row {
  readonly id: number;
  readonly name: string;
  readonly tags: readonly string[];
}

function row(id: number): Row {
  return { id, name: `name ${id} ${'x'.repeat(id % 90)}`, tags: [`tag ${id % 50}`, `tag ${id % 7}`] };
}

async function filled(path: string, count: number): Promise<LodeMap<number, Row>> {
  const map = await open<number, Row>(path);
  await map.setMany(Array.from({ length: count }, (_, id): [number, Row] => [id, row(id)]));
  return map;
}

describe('vacuum', () => {
  test('gives back what was deleted and replaced, and keeps the rest', async () => {
    const path = join(scratch(), 'store');
    const map = await filled(path, 20_000);
    for (let id = 0; id < 20_000; id++) if (id % 4 !== 0) map.delete(id);
    await map.flush();
    const dry = await map.vacuum({ dryRun: true });
    const before = map.stats().bytesOnDisk;
    assert.equal(before, dry.bytesBefore, 'a dry run changes nothing');
    const report = await map.vacuum();
    assert.ok(report.bytesAfter < report.bytesBefore * 0.75, JSON.stringify(report));
    assert.ok(report.chunksDead > 5000 && report.chunksLive > 2500, JSON.stringify(report));
    assert.ok(Math.abs(dry.bytesAfter - report.bytesAfter) < before * 0.2, `${dry.bytesAfter} was foreseen`);
    const again = await map.vacuum();
    assert.equal(again.segmentsCompacted, 0, 'there is nothing left to win');
    assert.equal(map.size, 5000);
    for (let id = 0; id < 20_000; id += 4) assert.deepEqual(materialize(map.get(id)), row(id));
    assert.ok((await map.verify()).ok);
    await map.close();
    for (const rebuild of [false, true]) {
      const reopened = await open<number, Row>(path, { rebuild });
      assert.equal(reopened.size, 5000);
      assert.deepEqual(materialize(reopened.get(19_996)), row(19_996));
      assert.equal(reopened.get(1), undefined, 'what was deleted stays deleted');
      await reopened.close();
    }
  });

  test('what is stored again after it was found dead is stored anew', async () => {
    const path = join(scratch(), 'store');
    const map = await open<string, unknown>(path);
    const text = 'the same long text '.repeat(200);
    map.set('a', text).set('filler', 'x'.repeat(50_000));
    await map.flush();
    map.delete('a');
    await map.vacuum({ sparseBelow: 1 });
    map.set('b', text);
    await map.vacuum({ sparseBelow: 1 });
    assert.equal(map.get('b'), text);
    await map.close();
    const reopened = await open<string, unknown>(path, { rebuild: true });
    assert.equal(reopened.get('b'), text);
    assert.ok((await reopened.verify()).ok);
    await reopened.close();
  });

  test('a lazy value of before is what it was, or says that it is gone; never anything else', async () => {
    const map = await open<string, unknown>(join(scratch(), 'store'));
    const items = Array.from({ length: 20_000 }, (_, i) => `item ${i}`);
    map.set('list', items).set('kept', items.slice(0, 5000));
    await map.flush();
    const held = map.get('list') as string[];
    const kept = map.get('kept') as string[];
    const id = contentId(kept);
    map.delete('list');
    await map.vacuum({ sparseBelow: 1 });
    for (const i of [0, 777, 19_999]) {
      try {
        assert.equal(held[i], items[i]);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'NOT_FOUND');
      }
    }
    assert.deepEqual([...kept], items.slice(0, 5000));
    assert.equal(contentId(map.get('kept')), id);
    try {
      map.set('again', held);
      assert.deepEqual(materialize(map.get('again')), items);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'CONFLICT');
    }
    assert.ok((await map.verify()).ok);
    await map.close();
  });

  test('snapshots keep all they show', async () => {
    const path = join(scratch(), 'store');
    const map = await filled(path, 3000);
    const then = map.snapshot() as unknown as { size: number; get(id: number): Row; close(): void };
    for (let id = 0; id < 3000; id++) map.delete(id);
    await map.flush();
    await map.vacuum({ sparseBelow: 1 });
    assert.equal(then.size, 3000);
    for (let id = 0; id < 3000; id += 7) assert.deepEqual(materialize(then.get(id)), row(id));
    then.close();
    const report = await map.vacuum({ sparseBelow: 1 });
    assert.ok(report.chunksLive < 10, 'with the last snapshot goes what only it showed');
    await map.close();
  });

  test('cells that something leads to stay, unreachable circles go', async () => {
    const map = await open<string, Record<string, unknown>>(join(scratch(), 'store'));
    const circle: Record<string, unknown> = { name: 'circle', fill: 'y'.repeat(2000) };
    circle['self'] = circle;
    map.set('circle', circle);
    const box = map.cell({ count: 1, fill: 'z'.repeat(2000) });
    map.set('left', { box }).set('right', { box });
    await map.flush();
    map.delete('left');
    map.delete('circle');
    await map.flush();
    const report = await map.vacuum({ sparseBelow: 1 });
    assert.ok(report.cellsDropped >= 1);
    const found = map.get('right')!['box'] as { value: { count: number } };
    assert.equal(found.value.count, 1);
    found.value = { count: 2 };
    assert.equal((map.get('right')!['box'] as typeof found).value.count, 2);
    assert.ok((await map.verify()).ok);
    await map.close();
  });

  test('a cell that is stored while the vacuum runs stays, with the cells it leads to', async () => {
    const path = join(scratch(), 'store');
    const map = await open<string, Record<string, unknown>>(path);
    // Nothing in the store leads to these; somebody has them in hand.
    const inner = map.cell({ text: 'inner '.repeat(500) });
    const outer = map.cell({ inner, text: 'outer '.repeat(500) });
    const never = map.cell({ text: 'never '.repeat(500) });
    map.set('filler', { text: 'filler '.repeat(2000) });
    await map.flush();
    map.delete('filler');
    await map.flush();
    let stored = false;
    const report = await map.vacuum({
      sparseBelow: 1,
      onProgress: ({ phase }) => {
        // All rows have been read by now.
        if (phase !== 'mark' || stored) return;
        stored = true;
        map.transaction(() => map.set('late', { outer }));
      },
    });
    assert.ok(stored && never !== undefined);
    assert.equal(report.cellsDropped, 1, 'the one that nobody stored');
    const check = (one: typeof map): void => {
      const found = one.get('late')!['outer'] as { value: { text: string; inner: { value: { text: string } } } };
      assert.equal(found.value.text, 'outer '.repeat(500));
      assert.equal(found.value.inner.value.text, 'inner '.repeat(500));
    };
    check(map);
    await map.vacuum({ sparseBelow: 1 });
    check(map);
    assert.ok((await map.verify()).ok);
    await map.close();
    const rebuilt = await open<string, Record<string, unknown>>(path, { rebuild: true });
    check(rebuilt);
    await rebuilt.close();
  });

  test('a lazy value whose aliases went with a vacuum is not stored', async () => {
    const map = await open<string, unknown>(join(scratch(), 'store'));
    const shared = { shared: true };
    map.set('aliases', { a: shared, b: shared }).set('deep', Array.from({ length: 3000 }, (_, i) => (i % 1000 === 7 ? shared : i)));
    map.set('kept', { a: shared, b: shared }).set('filler', { text: 'filler '.repeat(2000) });
    await map.flush();
    const held = ['aliases', 'deep'].map((key) => map.get(key));
    for (const key of ['aliases', 'deep', 'filler']) map.delete(key);
    await map.flush();
    assert.equal((await map.vacuum({ sparseBelow: 1 })).cellsDropped, 2);
    for (const value of held) assert.throws(() => map.set('again', value), { code: 'CONFLICT' });
    assert.throws(() => map.set('again', { inner: held[0] }), { code: 'CONFLICT' });
    assert.equal(map.has('again'), false);
    map.set('again', map.get('kept'));
    const again = materialize(map.get('again')) as Record<string, unknown>;
    assert.equal(again['a'], again['b']);
    assert.ok((await map.verify()).ok);
    await map.close();
  });

  test('a cell that went with a vacuum says so, and can be written again', async () => {
    const map = await open<string, Record<string, unknown>>(join(scratch(), 'store'));
    const box = map.cell({ count: 1 });
    map.set('filler', { text: 'filler '.repeat(2000) });
    await map.flush();
    map.delete('filler');
    assert.equal((await map.vacuum({ sparseBelow: 1 })).cellsDropped, 1);
    assert.throws(() => box.value, { code: 'NOT_FOUND' });
    assert.throws(() => map.set('late', { box }), { code: 'CONFLICT' });
    assert.equal(map.has('late'), false);
    box.value = { count: 2 };
    map.set('late', { box });
    await map.vacuum({ sparseBelow: 1 });
    assert.equal((map.get('late')!['box'] as typeof box).value.count, 2);
    assert.ok((await map.verify()).ok);
    await map.close();
  });

  test('one at a time; aborted or closed it stops, and the store is intact', async () => {
    const path = join(scratch(), 'store');
    const map = await filled(path, 10_000);
    for (let id = 0; id < 10_000; id += 2) map.delete(id);
    await map.flush();
    const first = map.vacuum({ maxBytesPerSecond: 1000 });
    await assert.rejects(map.vacuum(), { code: 'LOCKED' });
    const closing = map.close();
    await assert.rejects(first, { code: 'ABORTED' });
    await closing;
    const reopened = await open<number, Row>(path);
    await assert.rejects(reopened.vacuum({ signal: AbortSignal.abort() }), { code: 'ABORTED' });
    assert.ok(!existsSync(`${path}/vacuum`), 'nothing is left lying about');
    assert.equal(reopened.size, 5000);
    assert.ok((await reopened.verify()).ok);
    await reopened.close();
  });

  test('the last to close the store gives back what the index no longer needs', async () => {
    const path = join(scratch(), 'store');
    const map = await open<string, number>(path);
    for (let i = 0; i < 60_000; i++) map.set(`a key of some length, number ${i}`, i);
    await map.flush();
    for (let i = 0; i < 60_000; i++) if (i % 10 !== 0) map.delete(`a key of some length, number ${i}`);
    await map.vacuum();
    const before = statSync(join(path, 'index/data.mdb')).size;
    await map.close();
    const after = statSync(join(path, 'index/data.mdb')).size;
    assert.ok(after < before / 3, `${before} bytes became ${after}`);
    const reopened = await open<string, number>(path);
    assert.equal(reopened.size, 6000);
    assert.equal(reopened.get('a key of some length, number 59990'), 59_990);
    assert.ok((await reopened.verify()).ok);
    await reopened.close();
  });

  test('several processes write segments anew', async () => {
    const path = join(scratch(), 'store');
    const map = await open<number, string>(path);
    for (let round = 0; round < 30; round++) {
      for (let id = round * 100; id < round * 100 + 100; id++) map.set(id, `${id} ${'v'.repeat(40_000)}`);
      await map.flush();
    }
    for (let id = 0; id < 3000; id++) if (id % 5 !== 0) map.delete(id);
    await map.flush();
    const report = await map.vacuum({ processes: 2 });
    assert.ok(report.segmentsCompacted >= 2 && report.bytesAfter < report.bytesBefore / 3, JSON.stringify(report));
    for (let id = 0; id < 3000; id += 5) assert.equal(map.get(id), `${id} ${'v'.repeat(40_000)}`);
    assert.ok((await map.verify()).ok);
    await map.close();
  });

  test('a store that vacuums itself stays near the size of what is in it', async () => {
    const map = await open<number, unknown>(join(scratch(), 'store'), { autoVacuum: { whenDeadRatio: 0.5, maxBytesPerSecond: 1e9 } });
    let most = 0;
    for (let round = 0; round < 60; round++) {
      for (let id = 0; id < 20; id++) map.set(id, `${round} ${id} `.padEnd(100_000, String.fromCharCode(97 + (round % 26))) + round);
      await map.flush();
      // Vacuums work between turns; who writes at the speed of memory is ahead of them.
      await sleep(10);
      most = Math.max(most, map.stats().bytesOnDisk);
    }
    // 120 MB were written over 2 MB.
    assert.ok(most < 60e6, `${most} bytes on disk at most`);
    assert.ok((await map.verify()).ok);
    await map.close();
  });

  test('misuse is told at once', async () => {
    const map = await open(join(scratch(), 'store'));
    await assert.rejects(map.vacuum({ sparseBelow: 2 }), RangeError);
    await assert.rejects(map.vacuum({ budget: 1 } as object), TypeError);
    await assert.rejects(open(join(scratch(), 'store'), { autoVacuum: { whenDeadRatio: 1 } }), TypeError);
    const report = await map.vacuum();
    assert.equal(report.chunksLive + report.chunksDead, 0, 'an empty store');
    await map.close();
    const reader = await open(join(scratch(), 'store'), { readOnly: true }).catch((error: { code: string }) => error.code);
    assert.equal(reader, 'NOT_FOUND');
  });

  test('a list that was changed in the middle shares the rest, and stays whole', async () => {
    const map = await open<string, number[]>(join(scratch(), 'store'));
    map.set('list', Array.from({ length: 100_000 }, (_, i) => i));
    for (let i = 0; i < 200; i++) {
      const list = map.get('list')!;
      assert.ok(list instanceof LazyList);
      list.splice((i * 487) % 90_000, 3, -i);
      await map.flush();
    }
    const expected = [...map.get('list')!];
    const report = await map.vacuum({ sparseBelow: 1 });
    assert.ok(report.chunksDead > 0);
    assert.deepEqual([...map.get('list')!], expected);
    map.get('list')!.push(7);
    assert.equal(map.get('list')!.length, expected.length + 1);
    assert.ok((await map.verify()).ok);
    await map.close();
  });
});
