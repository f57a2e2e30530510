/**
 * The quota. Strategy: entries of several kinds, in no order, by every way to set them, until they are refused. Invariants: the store never takes
 * more than it may, nor refuses while much is free; what was accepted is there, also after it was closed.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { scratch } from '../suite/scratch.ts';

const maxBytes = 1_000_000;

const kinds: Record<string, (i: number) => [string, unknown]> = {
  numbers: (i) => [`key ${(i * 7919) % 1_000_003}`, i],
  records: (i) => [`key ${(i * 7919) % 1_000_003}`, { id: i, name: `name ${i}`, tags: ['a', `b${i}`] }],
  'long keys': (i) => [`${'k'.repeat(600)}${(i * 7919) % 1_000_003}`, i],
  'large values': (i) => [`key ${i}`, { id: i, text: `x${i} `.repeat(400) }],
};

/** Sets entries until one is refused; returns how many were not. */
const ways: Record<string, (map: LodeMap, entry: (i: number) => [string, unknown]) => Promise<number>> = {
  'one turn': async (map, entry) => {
    for (let i = 0; ; i++) {
      try {
        map.set(...entry(i));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'QUOTA');
        return i;
      }
    }
  },
  transactions: async (map, entry) => {
    for (let i = 0; ; i += 40) {
      try {
        map.transaction(() => {
          for (let j = i; j < i + 40; j++) map.set(...entry(j));
        });
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'QUOTA');
        return i;
      }
    }
  },
  'setMany, in small batches': (map, entry) => many(map, entry, 50),
  'setMany, in one batch': (map, entry) => many(map, entry, 1_000_000),
};

async function many(map: LodeMap, entry: (i: number) => [string, unknown], batch: number): Promise<number> {
  let given = 0;
  function* entries(): Generator<[string, unknown]> {
    for (;; given++) yield entry(given);
  }
  await assert.rejects(map.setMany(entries(), { batch }), { code: 'QUOTA' });
  return given;
}

suite('a store takes what it may', () => {
  for (const [way, fill] of Object.entries(ways)) {
    for (const [kind, entry] of Object.entries(kinds)) {
      test(`${kind}, by ${way}`, async () => {
        const path = join(scratch(), 'store');
        const map = (await open(path, { maxBytes })) as LodeMap;
        const accepted = await fill(map, entry);
        await map.flush();
        const { bytesOnDisk } = map.stats();
        assert.ok(bytesOnDisk <= maxBytes, `${bytesOnDisk} bytes`);
        assert.ok(bytesOnDisk > maxBytes * (way === 'transactions' ? 0.4 : 0.9), `only ${bytesOnDisk} bytes`);
        await map.close();
        await using again = (await open(path)) as LodeMap;
        assert.equal(again.size, accepted);
        assert.deepEqual(JSON.stringify(again.get(entry(accepted - 1)[0])), JSON.stringify(entry(accepted - 1)[1]));
      });
    }
  }
});
