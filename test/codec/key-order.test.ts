import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKeys, keyRange } from '../../src/codec/key/key-order.ts';
import type { KeyRange } from '../../src/codec/key/key-order.ts';
import { encodeKey } from '../../src/codec/key/keys.ts';
import type { Key } from '../../src/codec/key/keys.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
console.log(`key-order.test seed ${seed}`);

function inRange(key: Key, range: KeyRange): boolean {
  const bytes = encodeKey(key);
  const { start, startExclusive, end, endInclusive } = keyRange(range);
  const low = start === undefined ? 1 : Buffer.compare(bytes, start);
  const high = end === undefined ? -1 : Buffer.compare(bytes, end);
  return (low > 0 || (low === 0 && startExclusive !== true)) && (high < 0 || (high === 0 && endInclusive === true));
}

test('bounds hold what the comparisons say', () => {
  const key = fc.oneof(fc.string({ maxLength: 3 }), fc.integer({ min: -5, max: 5 }), fc.constantFrom(null, 1.5, 2n, '\ud83d'));
  const range = fc.record({ gt: key, gte: key, lt: key, lte: key }, { requiredKeys: [] });
  const check = (tried: Key, bounds: KeyRange): void => {
    const expected =
      (bounds.gt === undefined || compareKeys(tried, bounds.gt) > 0) &&
      (bounds.gte === undefined || compareKeys(tried, bounds.gte) >= 0) &&
      (bounds.lt === undefined || compareKeys(tried, bounds.lt) < 0) &&
      (bounds.lte === undefined || compareKeys(tried, bounds.lte) <= 0);
    assert.equal(inRange(tried, bounds), expected);
  };
  fc.assert(fc.property(key, range, check), { seed, numRuns: 3000 });
});

test('a prefix means the strings that begin with it', () => {
  const text = fc.array(fc.constantFrom('a', 'b', '\0', '\x7f', '\uffff', '\ud83d', '\ude00', 'é'), { maxLength: 4 }).map((c) => c.join(''));
  const check = (tried: string, prefix: string): void => assert.equal(inRange(tried, { prefix }), tried.startsWith(prefix));
  fc.assert(fc.property(text, text, check), { seed, numRuns: 3000 });
  for (const key of [1, null, new Uint8Array(), ['a'], 'b']) assert.equal(inRange(key, { prefix: 'a' }), false);
  assert.equal(inRange('ab', { prefix: 'a', gt: 'ab' }), false);
  assert.equal(inRange('ac', { prefix: 'a', gt: 'ab' }), true);
});

test('wrong bounds are a TypeError', () => {
  assert.throws(() => keyRange({ prefix: 1 as unknown as string }), TypeError);
  assert.throws(() => keyRange({ gt: {} as unknown as Key }), TypeError);
});
