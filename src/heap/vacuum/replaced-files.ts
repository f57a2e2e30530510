/**
 * Files that vacuum has replaced: they go when no stretch that is under way can still read them.
 *
 * A stretch reads one state of the index, and LMDB's table of readers says which (README.md, "What a stretch reads stays"). A
 * replaced file is needed by a state from before a publication, if it was there by then; what was made later than that state it
 * can not know. So somebody who was stopped in the middle of a stretch keeps the files of one state, however many vacuums there are.
 */
import { delay, steadyMs } from '../../base/timers.ts';
import type { Heap } from '../heap.ts';
import { dropPublication, putPublication, readPublications } from '../rows/publications.ts';
import type { Publication } from '../rows/publications.ts';
import { parseSegmentName, segmentFolder } from '../segment/segment.ts';
import type { SegmentFile } from '../segment/segment.ts';

const pauseMsMax = 50;

/** Leaves publications that any state that is being read may lie before, and adds the newest if its publisher could not. Under the commit lock. */
export function settlePublications(heap: Heap): void {
  const { index, meta: { generation, tail } } = heap;
  const newest = index.newest();
  const oldest = Math.min(newest, ...index.readers());
  const all = readPublications(index);
  const past = all.filter(({ to, generation: of }) => to <= oldest && of !== generation);
  const isMissing = generation > 0 && all.at(-1)?.generation !== generation;
  if (past.length === 0 && !isMissing) return;
  heap.changeIndex((writer) => {
    for (const one of past) dropPublication(writer, one);
    if (isMissing) putPublication(writer, { generation, from: 0, to: newest + 1, segment: tail.segment });
  });
}

/** Names in the segments' folder that neither the manifest names nor a stretch can read. */
export function removableFiles(heap: Heap): string[] {
  const names = heap.segments.leftovers();
  if (names.length === 0) return names;
  // What this object reads itself is the newest state.
  heap.refresh();
  const publications = readPublications(heap.index);
  const states = heap.index.readers();
  return names.filter((name) => {
    const file = parseSegmentName(name);
    return file === undefined || !states.some((state) => canRead(state, file, publications));
  });
}

/** Removes them, waiting up to `waitMs` for stretches that are under way; what is left is for the next vacuum. */
export async function removeReplaced(heap: Heap, waitMs: number, signal?: AbortSignal): Promise<void> {
  const until = steadyMs() + waitMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMsMax, pauseMs * 2)) {
    removeNow(heap);
    if (heap.segments.leftovers().length === 0 || steadyMs() >= until || signal?.aborted === true) return;
    await delay(pauseMs);
  }
}

export function removeNow(heap: Heap): void {
  for (const name of removableFiles(heap)) heap.storage.remove(`${segmentFolder}/${name}`);
}

/** Can a state lead to a file that has been replaced? */
function canRead(state: number, { id, generation }: SegmentFile, publications: readonly Publication[]): boolean {
  if (!publications.some(({ to }) => to > state)) return false;
  const next = publications.find(({ from }) => from > state);
  if (next === undefined) return true;
  return generation === 0 ? id <= next.segment : generation < next.generation;
}
