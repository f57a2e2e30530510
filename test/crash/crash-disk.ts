/** What crash tests need beside CrashStorage: disks made from images, and an index that outlasts its process. */
import { readFormat } from '../../src/heap/format.ts';
import type { IndexMemory } from '../../src/heap/log/evidence.ts';
import { readTrust, writeMarker } from '../../src/heap/rows/clean-marker.ts';
import type { IndexFile, Mark, Reach, Trust } from '../../src/heap/rows/clean-marker.ts';
import type { IndexHome } from '../../src/heap/rows/index-home.ts';
import { decodeMeta, metaKey } from '../../src/heap/rows/meta.ts';
import { CrashStorage } from '../../src/storage/crash-storage.ts';
import type { Index } from '../../src/storage/index-store.ts';
import { MemoryIndex } from '../../src/storage/memory-index.ts';
import type { Storage } from '../../src/storage/storage.ts';

class KeptIndex extends MemoryIndex {
  override async close(): Promise<void> {}
}

const noMemory: IndexMemory = { sequence: 0, durable: 0, bytes: 0 };

/**
 * An index that outlasts its process: it stays as it was when the process died. Its marker is the real one, on the disk that crashes; beside it
 * lies a file in the index's place, which says which index it is.
 */
export class KeptHome implements IndexHome {
  readonly #disk: Storage;
  readonly #file: IndexFile;
  /** Every index there was, by what its file says. */
  readonly #all: Map<string, KeptIndex>;
  #boot = 1;
  #index: KeptIndex | undefined;

  constructor(disk: Storage, all: Map<string, KeptIndex> = new Map()) {
    this.#disk = disk;
    this.#all = all;
    this.#file = {
      name: 'index/data.mdb',
      identity: () => 'kept',
      storeId: () => Buffer.from(readFormat(disk, false)).toString('hex'),
      boot: () => String(this.#boot),
    };
  }

  /** The home on a disk made of what this one's has left. Of an index that the loss of power met all may have been written, and none be usable. */
  after(disk: Storage, what: 'power loss' | 'index lost'): KeptHome {
    const next = new KeptHome(disk, this.#all);
    next.#boot = what === 'power loss' ? this.#boot + 1 : this.#boot;
    if (what === 'index lost') disk.remove(this.#file.name);
    return next;
  }

  trust(): Trust {
    const trust = readTrust(this.#disk, this.#file);
    return this.#index === undefined && trust.trusted ? { ...trust, trusted: false, reason: 'there is none' } : trust;
  }

  believes(): Promise<boolean> {
    return Promise.resolve(true);
  }

  open(): Index {
    return (this.#index ??= new KeptIndex());
  }

  remembers(): IndexMemory {
    if (!this.#disk.exists(this.#file.name)) return noMemory;
    const row = this.#all.get(this.#disk.readAll(this.#file.name).toString())?.get('meta', metaKey);
    if (row === undefined) return noMemory;
    const { sequence, durable } = decodeMeta(row).tail;
    return { sequence, durable, bytes: 0 };
  }

  dropUnfinished(): void {}

  /** The same steps as on a disk. */
  async rebuild(fill: (index: Index) => Reach): Promise<void> {
    const index = new KeptIndex();
    const reach = fill(index);
    const disk = this.#disk;
    const fresh = 'index.new/data.mdb';
    const name = String(this.#all.size);
    this.#all.set(name, index);
    disk.removeFolder('index.new');
    disk.createFolder('index.new');
    const file = disk.open(fresh, 'create');
    file.write(Buffer.from(name), 0);
    file.sync();
    file.close();
    disk.remove(this.#file.name);
    if (disk.exists('index')) disk.syncFolder('index');
    disk.removeFolder('index');
    disk.createFolder('index');
    disk.rename(fresh, this.#file.name);
    disk.syncFolder('');
    this.#index = index;
    this.mark({ clean: true, reach });
  }

  async shrink(): Promise<void> {}

  mark(mark: Mark): void {
    writeMarker(this.#disk, this.#file, mark);
  }
}

/** Copies a store's files to a disk on which all of it is durable. */
export function durableDisk(image: Storage): CrashStorage {
  const disk = new CrashStorage();
  const copy = (folder: string): void => {
    for (const inner of image.list(folder)) {
      const name = folder === '' ? inner : `${folder}/${inner}`;
      if (isFolder(image, name)) {
        disk.createFolder(name);
        copy(name);
        continue;
      }
      const file = disk.open(name, 'create');
      file.write(image.readAll(name), 0);
      file.sync();
      file.close();
    }
    disk.syncFolder(folder);
  };
  copy('');
  return disk;
}

function isFolder(image: Storage, name: string): boolean {
  return name === 'segments' || name === 'vacuum' || name === 'locks' || name === 'index' || name === 'index.new' || image.list(name).length > 0;
}
