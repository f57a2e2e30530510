import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChunkKind } from '../../src/heap/chunk.ts';
import { makeBlob, pieceBytes, piecesMax, readBlobHeader } from '../../src/codec/tail/blob.ts';
import { pending } from './memory-values.ts';

test('a blob is a header and pieces of one size', () => {
  const content = Buffer.alloc(pieceBytes * 2 + 5, 'piece');
  const blob = makeBlob(0x6f, 1, content);
  assert.equal(blob.kind, ChunkKind.blob);
  assert.deepEqual(readBlobHeader(blob.payload, 0, blob.payload.length), { tag: 0x6f, view: 1, bytes: content.length, grouped: false });
  assert.deepEqual(blob.links.map((link) => pending(link).payload.length), [pieceBytes, pieceBytes, 5]);
  assert.ok(Buffer.concat(blob.links.map((link) => pending(link).payload)).equals(content));
});

test('very many pieces are grouped', () => {
  const content = Buffer.alloc(pieceBytes * piecesMax + 1);
  const blob = makeBlob(0x69, 0, content);
  assert.equal(readBlobHeader(blob.payload, 0, blob.payload.length).grouped, true);
  assert.deepEqual(blob.links.map((link) => pending(link).links.length), [piecesMax, 1]);
  assert.ok(blob.payload.length < 16);
});
