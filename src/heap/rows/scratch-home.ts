/**
 * An index of one's own, for a store whose index must not be touched: a copy of that one while it is at rest, else made from the log. It lies
 * among the system's temporary files without a name, so that it goes with its process, or in memory where there is no room.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isStoreError } from '../../base/errors.ts';
import { FileStorage } from '../../storage/file-storage.ts';
import type { Index } from '../../storage/index-store.ts';
import { openLmdbIndex } from '../../storage/lmdb-index.ts';
import { MemoryIndex } from '../../storage/memory-index.ts';
import type { IndexMemory } from '../log/evidence.ts';
import { markerName } from './clean-marker.ts';
import type { Reach, Trust } from './clean-marker.ts';
import { LmdbHome } from './index-home.ts';
import type { IndexHome } from './index-home.ts';

const dataName = 'data.mdb';
const copiedAtOnce = 1024 * 1024;

export class ScratchHome implements IndexHome {
  readonly #store: FileStorage;
  /** Where the store's own index is: it is looked at, and not opened. */
  readonly #home: LmdbHome;
  readonly #tmpdir: string;
  #index: Index | undefined;

  constructor(store: FileStorage, tmpdir: string) {
    this.#store = store;
    this.#tmpdir = tmpdir;
    this.#home = new LmdbHome(store);
  }

  /** Trusted, the index has been copied. */
  trust(): Trust {
    const trust = this.#home.trust();
    if (trust.trusted && trust.clean && this.#copy()) return trust;
    const { left, reach } = trust;
    return { trusted: false, reason: 'it may be in use', left, ...(reach !== undefined && { reach }) };
  }

  believes(): Promise<boolean> {
    return Promise.resolve(false);
  }

  remembers(): IndexMemory {
    return this.#home.remembers();
  }

  open(): Index {
    return this.#index!;
  }

  dropUnfinished(): void {}

  rebuild(fill: (index: Index) => Reach): Promise<void> {
    try {
      this.#index = this.#inScratch(() => undefined);
      fill(this.#index);
    } catch (error) {
      if (!isStoreError(error, 'IO', 'NOT_FOUND') || this.#index instanceof MemoryIndex) throw error;
      void this.#index?.close();
      this.#index = new MemoryIndex();
      fill(this.#index);
    }
    return Promise.resolve();
  }

  shrink(): Promise<void> {
    return Promise.resolve();
  }

  mark(): void {}

  /** Copies the index if nobody changes it meanwhile: whoever would makes the marker another first. */
  #copy(): boolean {
    try {
      const before = this.#store.readAll(markerName);
      this.#index = this.#inScratch((scratch) => {
        const from = this.#store.open(`index/${dataName}`, 'read');
        const to = scratch.open(dataName, 'create');
        try {
          const piece = Buffer.allocUnsafe(copiedAtOnce);
          for (let at = 0, got = -1; got !== 0; at += got) {
            got = from.read(piece, 0, piece.length, at);
            to.write(piece.subarray(0, got), at);
          }
        } finally {
          from.close();
          to.close();
        }
      });
      const trust = this.#home.trust();
      if (trust.trusted && trust.clean && this.#store.readAll(markerName).equals(before)) return true;
    } catch (error) {
      if (!isStoreError(error)) throw error;
    }
    void this.#index?.close();
    this.#index = undefined;
    return false;
  }

  #inScratch(fill: (scratch: FileStorage) => void): Index {
    const scratch = new FileStorage(join(this.#tmpdir, `lodemap-index-${process.pid}-${randomBytes(8).toString('hex')}`));
    scratch.createFolder('');
    try {
      fill(scratch);
      return openLmdbIndex(scratch.folder, { create: true });
    } finally {
      // LMDB has it open; where that keeps it from being removed, it stays.
      scratch.removeFolder('');
    }
  }
}
