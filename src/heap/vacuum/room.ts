/**
 * Vacuum on a disk that is nearly full. What it writes it needs room for before any comes back: the files it replaces stay until nobody reads
 * them. So it writes anew only the segments that there is room for, those first that give most for it; the next vacuum has more.
 */
import { StoreError } from '../../base/errors.ts';
import { systemError } from '../../storage/file-error.ts';

/** For manifest, index and what else is written beside the segments. */
const asideBytes = 96 * 1024;
/** A dead list takes at least a block. */
const blockBytes = 4096;
/** What is left of a segment is an estimate. */
const safety = 1.1;

/** A segment that may be written anew: what would be left of it, and what that wins. */
export interface Candidate {
  readonly id: number;
  readonly live: number;
  readonly win: number;
}

/** Throws IO when there is not even room to note what is dead. */
export function checkRoomToMark(freeBytes: number, segments: number): void {
  need(asideBytes + segments * blockBytes, freeBytes, 'to note what is dead');
}

/** The ids of those that `freeBytes` are room for, ascending. Throws IO, with what is missing, when that is none of them. */
export function fitting(candidates: readonly Candidate[], freeBytes: number): number[] {
  const best = candidates.toSorted((a, b) => a.live * b.win - b.live * a.win);
  let room = freeBytes - asideBytes;
  const chosen: number[] = [];
  for (const { id, live } of best) {
    const bytes = Math.ceil(live * safety);
    if (bytes > room) continue;
    room -= bytes;
    chosen.push(id);
  }
  if (chosen.length === 0 && best.length > 0) {
    const least = Math.min(...best.map(({ live }) => live));
    need(asideBytes + Math.ceil(least * safety), freeBytes, 'to write a segment anew');
  }
  return chosen.toSorted((a, b) => a - b);
}

function need(bytes: number, freeBytes: number, why: string): void {
  if (bytes <= freeBytes) return;
  const message = `The disk is too full for a vacuum: it needs ${bytes} bytes ${why}, and ${freeBytes} are free; ${bytes - freeBytes} more are missing`;
  throw new StoreError('IO', message, { cause: systemError('ENOSPC', 'write') });
}
