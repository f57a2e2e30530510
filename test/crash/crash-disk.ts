/** What crash tests need beside CrashStorage: disks made from images, and an index that outlasts its process. */
import type { Mark, Reach, Trust } from '../../src/heap/rows/clean-marker.ts';
import type { IndexHome } from '../../src/heap/rows/index-home.ts';
import { CrashStorage } from '../../src/storage/crash-storage.ts';
import type { Index } from '../../src/storage/index-store.ts';
import { MemoryIndex } from '../../src/storage/memory-index.ts';
import type { Storage } from '../../src/storage/storage.ts';

class KeptIndex extends MemoryIndex {
  override async close(): Promise<void> {}
}

/** An index that outlasts its process: it stays as it was when the process died, and says so. */
export class KeptHome implements IndexHome {
  #index: KeptIndex | undefined;
  #clean = false;

  trust(): Trust {
    if (this.#index === undefined) return { trusted: false, reason: 'there is none' };
    return { trusted: true, clean: this.#clean };
  }

  believes(): Promise<boolean> {
    return Promise.resolve(true);
  }

  open(): Index {
    return (this.#index ??= new KeptIndex());
  }

  async rebuild(fill: (index: Index) => Reach): Promise<void> {
    const index = new KeptIndex();
    fill(index);
    this.#index = index;
    this.#clean = true;
  }

  async shrink(): Promise<void> {}

  mark(mark: Mark): void {
    this.#clean = mark.clean;
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
  return name === 'segments' || name === 'vacuum' || name === 'locks' || name === 'index' || image.list(name).length > 0;
}
