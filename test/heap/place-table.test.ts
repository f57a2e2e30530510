import assert from 'node:assert/strict';
import test from 'node:test';
import { makeRef } from '../../src/heap/segment/ref.ts';
import { PlaceTable } from '../../src/heap/place-table.ts';

test('places of refs are found, also after the table has grown', () => {
  const table = new PlaceTable();
  const refs = Array.from({ length: 20_000 }, (_, i) => makeRef(1 + (i % 3), 64 + i * 90, 80));
  refs.forEach((ref, i) => {
    table.reserve(2 * (i + 1));
    table.set(ref, i);
  });
  let found = 0;
  refs.forEach((ref, i) => {
    const place = table.find(ref);
    if (place === -1) return;
    assert.equal(place, i);
    found++;
  });
  assert.ok(found > 19_000, `${found} of 20000`);
  table.set(refs[5]!, 99_999);
  assert.equal(table.find(refs[5]!), 99_999);
  table.clear();
  assert.equal(table.find(refs[5]!), -1);
});

test('of those that compete for a slot the one with the lowest place goes', () => {
  const table = new PlaceTable();
  const refs = Array.from({ length: 5_000 }, (_, i) => makeRef(1, 64 + i * 64, 64));
  refs.forEach((ref, i) => table.set(ref, i));
  const newest = refs.slice(-20).filter((ref) => table.find(ref) !== -1);
  const oldest = refs.slice(0, 2_500).filter((ref) => table.find(ref) !== -1);
  assert.equal(newest.length, 20);
  assert.ok(oldest.length < 100, `${oldest.length} of the oldest are still there`);
});
