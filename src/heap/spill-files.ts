import type { Storage, StorageFile } from '../storage/storage.ts';

/** Open at once: there is a file for each segment or so, and a store may have thousands. */
const openMax = 16;

/** Files that something is written to bit by bit, and read back once. They are closed in between when there are many. */
export class SpillFiles {
  readonly #storage: Storage;
  readonly #open = new Map<string, StorageFile>();
  readonly #made = new Set<string>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  write(name: string, bytes: Uint8Array, position: number): void {
    this.#file(name).write(bytes, position);
  }

  read(name: string, target: Uint8Array, length: number, position: number): number {
    return this.#file(name).read(target, 0, length, position);
  }

  remove(name: string): void {
    this.#open.get(name)?.close();
    this.#open.delete(name);
    if (this.#made.delete(name)) this.#storage.remove(name);
  }

  /** Removes all of them. */
  removeAll(): void {
    for (const name of this.#made) this.remove(name);
  }

  #file(name: string): StorageFile {
    const open = this.#open.get(name);
    if (open !== undefined) return open;
    if (this.#open.size >= openMax) {
      const [oldest, file] = this.#open.entries().next().value!;
      file.close();
      this.#open.delete(oldest);
    }
    const file = this.#storage.open(name, this.#made.has(name) ? 'write' : 'create');
    this.#made.add(name);
    this.#open.set(name, file);
    return file;
  }
}
