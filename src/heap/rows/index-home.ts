/**
 * Where the index lives, and how it is replaced as a whole. The index is derived: it may be thrown away at any time while
 * nobody else has the store open, and built anew from the log.
 */
import { bootId } from '../../storage/boot.ts';
import { probeIndex } from '../../storage/index-probe.ts';
import { openLmdbIndex } from '../../storage/lmdb-index.ts';
import { MemoryIndex } from '../../storage/memory-index.ts';
import { loneRows } from '../../storage/lmdb-pages.ts';
import { keepReserve } from '../../storage/folder/reserve.ts';
import type { Index } from '../../storage/index-store.ts';
import type { FileStorage } from '../../storage/file-storage.ts';
import { readTrust, writeMarker } from './clean-marker.ts';
import { copyIndex, estimateIndexBytes } from './index-copy.ts';
import { readFormat } from '../format.ts';
import type { IndexMemory } from '../log/evidence.ts';
import { credibleMeta, metaBytes, metaKey } from './meta.ts';
import type { IndexFile, Mark, Reach, Trust } from './clean-marker.ts';

export interface IndexHome {
  /** May the index that is there be believed? Only meaningful while nobody else has the store open. */
  trust(): Trust;
  /**
   * May an index be believed whose last process did not close it? It is as the kernel has it, but nothing proves that.
   * `logBytes` is what a rebuild would have to read.
   */
  believes(logBytes: number): Promise<boolean>;
  open(): Index;
  /** What the index that is there says of the log, whatever is damaged of it. It need not be open, and is not opened. */
  remembers(): IndexMemory;
  /**
   * Builds an index beside the present one, which it then replaces. `fill` says how far the log it followed is durable.
   * Nobody else has the store open.
   */
  rebuild(fill: (index: Index) => Reach): Promise<void>;
  /** Removes what a rebuild that was killed has left. Nobody else has the store open. */
  dropUnfinished(): void;
  /**
   * Makes the index's file as small as its rows, when that pays. Closes `index`; nobody else has the store open, and log and index are
   * at rest. `reach` is the end of the log.
   */
  shrink(index: Index, reach: Reach): Promise<void>;
  /** Says durably that the index is about to change, or that it is synced and at rest, and how far the log is durable. */
  mark(mark: Mark): void;
}

const noMemory: IndexMemory = { sequence: 0, durable: 0, bytes: 0 };
const folder = 'index';
const freshFolder = 'index.new';
/** What a new index takes at first, with a margin. */
const roomBytes = 512 * 1024;
/** A log up to this size is rather read again (a third of a second) than an index believed that nobody has closed. */
const rebuiltBytesMax = 32 * 1024 * 1024;
/** An index smaller than this is left as it is. */
const shrunkBytesMin = 1024 * 1024;

/** An LMDB environment in the store's folder `index`. */
export class LmdbHome implements IndexHome {
  readonly #storage: FileStorage;
  readonly #file: IndexFile;

  constructor(storage: FileStorage) {
    this.#storage = storage;
    const name = `${folder}/data.mdb`;
    this.#file = {
      name,
      identity: () => storage.identity(name),
      storeId: () => Buffer.from(readFormat(storage, false)).toString('hex'),
      boot: bootId,
    };
  }

  trust(): Trust {
    return readTrust(this.#storage, this.#file);
  }

  /** A larger index is at least read through by another process first: a damaged one can abort the process that opens it. */
  async believes(logBytes: number): Promise<boolean> {
    return logBytes > rebuiltBytesMax && (await probeIndex(`${this.#storage.path}/${folder}`));
  }

  open(): Index {
    return openLmdbIndex(this.#storage.folder.sub(folder), { create: false });
  }

  remembers(): IndexMemory {
    const storage = this.#storage;
    if (!storage.exists(this.#file.name)) return noMemory;
    const file = storage.open(this.#file.name, 'read');
    try {
      // A row lies at the end of its page, within a sector: a loss of power leaves an older one or a newer one, and both were true.
      const memory = { sequence: 0, durable: 0, bytes: file.size() };
      for (const row of loneRows(file, metaKey, metaBytes)) {
        const { sequence = 0, durable = 0 } = credibleMeta(row)?.tail ?? {};
        memory.sequence = Math.max(memory.sequence, sequence);
        memory.durable = Math.max(memory.durable, durable);
      }
      return memory;
    } finally {
      file.close();
    }
  }

  dropUnfinished(): void {
    if (this.#storage.exists(freshFolder)) this.#storage.removeFolder(freshFolder);
  }

  async rebuild(fill: (index: Index) => Reach): Promise<void> {
    let reach: Reach;
    const storage = this.#storage;
    storage.removeFolder(freshFolder);
    let index: Index | undefined;
    try {
      storage.createFolder(freshFolder);
      this.#needRoom();
      index = openLmdbIndex(storage.folder.sub(freshFolder), { create: true });
      reach = fill(index);
      index.sync();
    } catch (error) {
      await index?.close();
      // On a full disk half an index is room that something else needs.
      storage.removeFolder(freshFolder);
      throw error;
    }
    await index.close();
    // Never without its marker, not even in part of a removal: the log may have been cut to less than it knows of.
    if (storage.exists(this.#file.name)) {
      storage.removeFolder(this.#file.name);
      storage.syncFolder(folder);
    }
    storage.removeFolder(folder);
    storage.rename(freshFolder, folder);
    storage.syncFolder('');
    this.mark({ clean: true, reach });
  }

  async shrink(index: Index, reach: Reach): Promise<void> {
    // With the holes in it: what copies the file may fill them.
    const bytes = this.#fileBytes();
    if (bytes < shrunkBytesMin || estimateIndexBytes(index) * 2 > bytes) return;
    await this.rebuild((fresh) => {
      copyIndex(index, fresh);
      // States are counted anew.
      fresh.write((writer) => writer.clear('segments'));
      return reach;
    });
    await index.close();
  }

  /** Throws IO on a full disk: there LMDB would abort the process while it makes its file. */
  #needRoom(): void {
    const name = `${freshFolder}/room`;
    const file = this.#storage.open(name, 'create');
    try {
      file.write(Buffer.alloc(roomBytes), 0);
    } finally {
      file.close();
      this.#storage.remove(name);
    }
  }

  #fileBytes(): number {
    const file = this.#storage.open(this.#file.name, 'read');
    try {
      return file.size();
    } finally {
      file.close();
    }
  }

  mark(mark: Mark): void {
    // The store is about to be changed, for the first time since it was at rest.
    if (!mark.clean) keepReserve(this.#storage);
    writeMarker(this.#storage, this.#file, mark);
  }
}

/** An index in memory: it never outlives the store that holds it. */
export class MemoryHome implements IndexHome {
  #index: MemoryIndex | undefined;

  trust(): Trust {
    if (this.#index === undefined) return { trusted: false, reason: 'it was in memory', left: 'went down' };
    return { trusted: true, clean: false, left: 'in use' };
  }

  believes(): Promise<boolean> {
    return Promise.resolve(true);
  }

  open(): Index {
    this.#index ??= new MemoryIndex();
    return this.#index;
  }

  remembers(): IndexMemory {
    return noMemory;
  }

  dropUnfinished(): void {}

  rebuild(fill: (index: Index) => Reach): Promise<void> {
    this.#index = new MemoryIndex();
    fill(this.#index);
    return Promise.resolve();
  }

  shrink(): Promise<void> {
    return Promise.resolve();
  }

  mark(): void {}
}
