import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import createHasher from 'xxhash-wasm';
import { shortHash32 } from '../../src/heap/short-hash.ts';

test('the short hash is XXH32', async () => {
  const { h32Raw } = await createHasher();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.integer({ min: 0, max: 0xffffffff }), (bytes, start, seed) => {
      const from = Math.min(start, bytes.length);
      assert.equal(shortHash32(bytes, from, bytes.length, seed), h32Raw(bytes.subarray(from), seed) >>> 0);
    }),
    { numRuns: 2000 },
  );
});
