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

test('it is XXH32 of long bytes too, which it hashes where WebAssembly is not ready', async () => {
  const { h32Raw } = await createHasher();
  const bytes = Uint8Array.from({ length: 70_001 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24);
  for (const end of [256, 257, 4099, 70_001]) assert.equal(shortHash32(bytes, 3, end, 5), h32Raw(bytes.subarray(3, end), 5) >>> 0);
});
