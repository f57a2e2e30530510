import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { ChunkKind, Link } from '../../src/heap/chunk.ts';
import type { ChunkSource, PendingChunk } from '../../src/heap/chunk.ts';
import { forceContentHash } from '../../src/heap/hash.ts';
import { makeChunk, PendingView } from '../../src/heap/pending.ts';
import { LinkTable, sameLink } from '../../src/codec/slot/link-table.ts';

afterEach(() => forceContentHash(undefined));

function chunk(text: string, links: readonly Link[] = []): PendingChunk {
  return makeChunk(ChunkKind.value, Buffer.from(text), links);
}

test('links are numbered by content in the order of first use', () => {
  for (const hash of [undefined, 7]) {
    forceContentHash(hash);
    const table = new LinkTable();
    const texts = Array.from({ length: 60 }, (_, i) => `text ${i % 20}`);
    assert.deepEqual(texts.map((text) => table.indexOf(chunk(text))), texts.map((_, i) => i % 20));
    assert.equal(table.take().length, 20);
    assert.equal(table.length, 0);
    assert.equal(table.indexOf(chunk('text 5')), 0);
  }
});

test('children count, not only payloads', () => {
  forceContentHash(1);
  const one = chunk('parent', [chunk('a'), chunk('b')]);
  assert.ok(sameLink(one, chunk('parent', [chunk('a'), chunk('b')]), undefined));
  assert.ok(!sameLink(one, chunk('parent', [chunk('a'), chunk('c')]), undefined));
  assert.ok(!sameLink(one, chunk('parent', [chunk('a')]), undefined));
  assert.ok(!sameLink(one, makeChunk(ChunkKind.shape, Buffer.from('parent'), one.links), undefined));
});

test('a pending and a placed link are compared by what the source loads', () => {
  const stored = new Map([[10, chunk('stored')], [20, chunk('other')]]);
  const source: ChunkSource = { load: (link) => new PendingView(stored.get(link.ref) ?? (link as PendingChunk)) };
  const fresh = chunk('stored');
  const placed = new Link(10, fresh.hash);
  assert.ok(sameLink(fresh, placed, source));
  assert.ok(sameLink(placed, fresh, source));
  assert.ok(!sameLink(fresh, placed, undefined));
  assert.ok(!sameLink(fresh, new Link(20, fresh.hash), source));
  assert.ok(sameLink(placed, new Link(10, fresh.hash), undefined));
  assert.ok(!sameLink(placed, new Link(20, fresh.hash), source));
});

test('comparing deep chains needs no deep stack', () => {
  const chain = (): Link => {
    let link = chunk('end');
    for (let i = 0; i < 50_000; i++) link = chunk('next', [link]);
    return link;
  };
  assert.ok(sameLink(chain(), chain(), undefined));
});
