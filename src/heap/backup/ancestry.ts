/**
 * Is an earlier backup of this store's past? A copy of a store has its id, and goes a way of its own from where it was made: its
 * backup must not take the place of the original's, nor that of an older state the place of a newer one's.
 *
 * Segments have numbers drawn at random, so those made apart are told apart by their headers. Of the one in which the ways part the
 * backup has the beginning, of which it has noted the hash. When that segment has been written anew in the store there is only its header to compare.
 */
import { StoreError } from '../../base/errors.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Heap } from '../heap.ts';
import { manifestName, readManifest } from '../segment/manifest.ts';
import { decodeSegmentHeader, parseSegmentName, segmentFolder, segmentHeaderBytes } from '../segment/segment.ts';
import type { SegmentHeader } from '../segment/segment.ts';
import { hashOf, piecesOf, sizeOf } from './backup-files.ts';
import type { BackupNote, NotedFile } from './backup-files.ts';

/** Throws CONFLICT when the earlier backup in `target` holds what this store has never held. Damage of the backup is no reason. */
export function checkAncestry(heap: Heap, target: Storage, { sequence, files }: BackupNote): void {
  const { segments, storage, meta } = heap;
  const differs = (what: string): StoreError =>
    new StoreError('CONFLICT', `${target.path} is the backup of another copy of this store, or of a later state (${what}): choose another folder`);
  if (sequence > meta.tail.sequence) throw differs(`it holds commit ${sequence}, the store ends with ${meta.tail.sequence}`);
  if (generationOf(target) > segments.manifest.generation) throw differs('it was vacuumed more often');
  const noted = files.filter(({ name }) => parseSegmentName(name) !== undefined);
  for (const file of noted) {
    const { id, generation } = parseSegmentName(file.name)!;
    if (segments.isRetired(id)) continue;
    const compacted = segments.manifest.segments.get(id)?.compacted ?? 0;
    if (generation > compacted || (id > meta.tail.segment && file.bytes > segmentHeaderBytes)) throw differs(file.name);
    const there = headerOf(target, file.name);
    if (there !== undefined && there.seed !== segments.get(id).header.seed) throw differs(file.name);
    if (compacted > 0) continue;
    const isLast = file === noted.at(-1);
    const bytes = sizeOf(storage, `${segmentFolder}/${file.name}`);
    const isSame = isLast ? bytes >= file.bytes && beginsAs(storage, file) : bytes === file.bytes;
    if (!isSame) throw differs(file.name);
  }
}

function beginsAs(storage: Storage, { name, bytes, hash }: NotedFile): boolean {
  return hashOf(piecesOf(storage, `${segmentFolder}/${name}`, bytes)) === hash;
}

function headerOf(storage: Storage, name: string): SegmentHeader | undefined {
  if (!storage.exists(`${segmentFolder}/${name}`)) return undefined;
  for (const piece of piecesOf(storage, `${segmentFolder}/${name}`, segmentHeaderBytes)) return decodeSegmentHeader(piece);
  return undefined;
}

function generationOf(storage: Storage): number {
  try {
    return storage.exists(manifestName) ? readManifest(storage).generation : 0;
  } catch {
    return 0;
  }
}
