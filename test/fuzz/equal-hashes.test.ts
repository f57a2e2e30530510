/**
 * Strategy: the hash of every chunk is forced to be the same. Invariant: hashes are hints, so every value stays itself, equal
 * values are still equal, and different ones differ.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { forceContentHash } from '../../src/heap/hash.ts';
import { contentId, equals, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { Random, seedOf } from '../suite/random.ts';
import { assertSame } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';
import { allKinds, randomValue } from '../suite/values.ts';
import { plain } from '../suite/views.ts';

suite('with all hashes equal', () => {
  before(() => forceContentHash(0x12345678));
  after(() => forceContentHash(undefined));

  test('every value is still distinct', async (t) => {
    const random = new Random(seedOf(t));
    const path = join(scratch(), 'store');
    let map = (await open(path)) as LodeMap;
    const expected = new Map<string, unknown>(allKinds());
    for (let i = 0; i < 400; i++) expected.set(`random ${i}`, randomValue(random, 60));
    for (let i = 0; i < 300; i++) expected.set(`like ${i}`, `${'the same but for its end '.repeat(8)}${i}`);
    for (let i = 0; i < 60; i++) expected.set(`list ${i}`, Array.from({ length: 900 }, (_, j) => (j === i * 11 ? -1 : j % 100)));
    for (const [key, value] of expected) {
      map.set(key, value);
      if (random.once(50)) await map.flush();
    }
    for (const [key, value] of expected) assertSame(plain(map.get(key)), value, key);
    // Half of them go, and what is left is told from what is gone.
    for (const key of expected.keys()) if (random.once(2) && expected.delete(key)) map.delete(key);
    await map.vacuum({ sparseBelow: 1 });
    for (let i = 0; i < 100; i++) {
      const text = `${'the same but for its end '.repeat(8)}${i}`;
      expected.set(`again ${i}`, text);
      map.set(`again ${i}`, text);
    }
    for (const [key, value] of expected) assertSame(plain(map.get(key)), value, key);
    await map.close();
    rmSync(join(path, 'index'), { recursive: true });
    map = (await open(path)) as LodeMap;
    for (const [key, value] of expected) assertSame(plain(map.get(key)), value, key);
    assert.ok((await map.verify()).ok);
    await map.close();
  });

  test('equality and content ids tell values apart', async () => {
    const map = (await open(join(scratch(), 'store'))) as LodeMap;
    const list = (at: number): number[] => Array.from({ length: 5000 }, (_, i) => (i === at ? -1 : i));
    map.set('a', list(4000)).set('b', list(4001)).set('c', list(4000));
    await map.flush();
    assert.ok(equals(map.get('a'), map.get('c')));
    assert.ok(!equals(map.get('a'), map.get('b')));
    assert.equal(contentId(map.get('a')), contentId(map.get('c')));
    assert.notEqual(contentId(map.get('a')), contentId(map.get('b')));
    await map.close();
  });
});
