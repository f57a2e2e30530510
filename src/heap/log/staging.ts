/**
 * Staging: some write chunks ahead of the commit that will link to them (`Heap.commit` with `ahead`) and need a while to get there.
 * Until then nothing tells their chunks from garbage. So whoever stages holds one of a few kernel locks, which dies with its process,
 * and has said in `locks/staging`, at the place of its lock, which segment the log ended in when it began: a vacuum leaves
 * that segment and all later ones alone.
 *
 * Beginning and asking are done under the commit lock, so a vacuum that did not hear of somebody has begun before: what that one writes
 * lies behind what the vacuum looks at.
 */
import { invariant } from '../../base/assert.ts';
import { readUint32, writeUint32 } from '../../base/bytes.ts';
import type { Storage, StorageFile } from '../../storage/storage.ts';
import { lockPlaces, stagingSlots } from './commit-lock.ts';
import type { Locks } from './commit-lock.ts';

const name = 'locks/staging';
const slotBytes = 4;

/** One for each heap, whoever of it stages. */
export class Staging {
  readonly #storage: Storage;
  readonly #locks: Locks;
  #file: StorageFile | undefined;
  #holders = 0;
  /** The lock that is held, or -1, and the segment that was said with it. */
  #slot = -1;
  #segment = 0;

  constructor(storage: Storage, locks: Locks) {
    this.#storage = storage;
    this.#locks = locks;
  }

  /**
   * From here on vacuums leave alone what is written, until `end` has been called as often. `segment` is the one the log ends in. Needs
   * the commit lock. Throws IO. Where all locks are taken it does nothing: then a vacuum may take what is staged, and the commit throws CONFLICT.
   */
  begin(segment: number): void {
    if (this.#holders++ > 0) return;
    for (let slot = 0; slot < stagingSlots && this.#slot < 0; slot++) {
      if (this.#locks.tryLock(lockPlaces.staging + slot)) this.#slot = slot;
    }
    if (this.#slot < 0) return;
    this.#segment = segment;
    const bytes = new Uint8Array(slotBytes);
    writeUint32(bytes, 0, segment);
    try {
      this.#open().write(bytes, this.#slot * slotBytes);
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** What was staged is linked to, or will never be. */
  end(): void {
    invariant(this.#holders > 0, 'staging ends as often as it began');
    if (--this.#holders > 0 || this.#slot < 0) return;
    this.#locks.unlock(lockPlaces.staging + this.#slot);
    this.#slot = -1;
  }

  /** The first segment that may hold what somebody stages; Infinity when nobody does. Needs the commit lock. Throws IO. */
  firstSegment(): number {
    let first = this.#slot < 0 ? Infinity : this.#segment;
    if (!this.#storage.exists(name)) return first;
    const bytes = new Uint8Array(slotBytes);
    for (let slot = 0; slot < stagingSlots; slot++) {
      if (slot === this.#slot) continue;
      if (this.#locks.tryLock(lockPlaces.staging + slot)) this.#locks.unlock(lockPlaces.staging + slot);
      else if (this.#open().read(bytes, 0, slotBytes, slot * slotBytes) === slotBytes) first = Math.min(first, readUint32(bytes, 0));
    }
    return first;
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(): StorageFile {
    return (this.#file ??= this.#storage.open(name, this.#storage.exists(name) ? 'write' : 'create'));
  }
}
