/** Reading large strings, byte strings and bigints, which lie in pieces (codec/tail/blob.ts). */
import { StoreError } from '../base/errors.ts';
import { pieceBytes, readBlobHeader } from '../codec/tail/blob.ts';
import { scalarFrom } from '../codec/slot/scalars.ts';
import { ChunkKind } from '../heap/chunk.ts';
import type { ChunkSource, ChunkView, Link } from '../heap/chunk.ts';
import { linksOf } from './item-hash.ts';

/** The value of a blob, given its header's chunk. Throws CORRUPT. */
export function readBlob(source: ChunkSource, view: ChunkView): unknown {
  const header = readBlobHeader(view.bytes, view.start, view.end);
  const links = linksOf(view);
  // Before anything of the size a damaged header tells is allocated, it must agree with the pieces.
  const pieces = header.grouped ? groupedPieces(source, links) : links;
  if (pieces.length !== Math.ceil(header.bytes / pieceBytes)) throw corruptBlob('the number of its pieces');
  const content = Buffer.allocUnsafeSlow(header.bytes);
  let at = 0;
  for (const piece of pieces) {
    const part = source.load(piece);
    const size = part.end - part.start;
    if (part.kind !== ChunkKind.blobPiece || at + size > content.length || size > pieceBytes) throw corruptBlob('a piece');
    part.bytes.copy(content, at, part.start, part.end);
    at += size;
  }
  if (at !== content.length) throw corruptBlob('its length');
  return scalarFrom(header.tag, header.view, content);
}

function groupedPieces(source: ChunkSource, groups: readonly Link[]): Link[] {
  return groups.flatMap((group) => {
    const view = source.load(group);
    if (view.kind !== ChunkKind.blobPiece) throw corruptBlob('a group of pieces');
    return linksOf(view);
  });
}

function corruptBlob(what: string): StoreError {
  return new StoreError('CORRUPT', `A large string or byte string is damaged: ${what}.`);
}
