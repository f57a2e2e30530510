/**
 * Lists of items of one fixed size, by number, within a budget: when they grow past it the longest go to files, one for each list.
 *
 * An item is written to `words` (and `floats`, the same bytes from the fourth float64 on) and added; when a list is taken back, item after
 * item lies there again.
 */
import type { Storage, StorageFile } from '../../storage/storage.ts';
import { SpillFiles } from '../spill-files.ts';

const itemsFirst = 16;
const itemsSpilled = 64;
const readBytes = 256 * 1024;

/** A folder in the store for files of one verify, made when the first is needed. */
export class ScratchFolder {
  readonly storage: Storage;
  readonly name: string;
  #made = false;

  constructor(storage: Storage, name: string) {
    this.storage = storage;
    this.name = name;
  }

  create(file: string): StorageFile {
    this.make();
    return this.storage.open(`${this.name}/${file}`, 'create');
  }

  make(): void {
    if (!this.#made) this.storage.createFolder(this.name);
    this.#made = true;
  }

  remove(): void {
    if (this.#made) this.storage.removeFolder(this.name);
  }
}

interface List {
  items: Uint32Array;
  count: number;
  /** What of it is in its file. */
  fileBytes: number;
}

export class SpillLists {
  readonly words: Uint32Array;
  readonly floats: Float64Array;
  readonly #folder: ScratchFolder;
  readonly #files: SpillFiles;
  readonly #budgetBytes: number;
  readonly #lists = new Map<number, List>();
  /** What the lists take in memory. */
  bytes = 0;

  /** Items have `words` uint32, an even number. */
  constructor(folder: ScratchFolder, words: number, budgetBytes: number) {
    this.#folder = folder;
    this.#files = new SpillFiles(folder.storage);
    this.#budgetBytes = budgetBytes;
    this.words = new Uint32Array(words);
    this.floats = new Float64Array(this.words.buffer);
  }

  /** Adds what lies in `words` to a list. */
  add(number: number): void {
    const size = this.words.length;
    let list = this.#lists.get(number);
    if (list === undefined) {
      list = { items: new Uint32Array(itemsFirst * size), count: 0, fileBytes: 0 };
      this.#lists.set(number, list);
      this.bytes += list.items.byteLength;
    }
    if ((list.count + 1) * size > list.items.length) this.#grow(list, number);
    list.items.set(this.words, list.count++ * size);
  }

  /** Puts the items of a list into `words`, one after the other, and forgets them. None may be added to it meanwhile. */
  take(number: number, visit: () => void): void {
    const list = this.#lists.get(number);
    if (list === undefined) return;
    this.#lists.delete(number);
    this.bytes -= list.items.byteLength;
    const size = this.words.length;
    const visitAll = (items: Uint32Array, count: number): void => {
      for (let i = 0; i < count; i++) {
        for (let word = 0; word < size; word++) this.words[word] = items[i * size + word]!;
        visit();
      }
    };
    visitAll(list.items, list.count);
    if (list.fileBytes === 0) return;
    const name = this.#nameOf(number);
    const itemBytes = size * 4;
    const piece = new Uint8Array(Math.floor(readBytes / itemBytes) * itemBytes);
    for (let at = 0; at < list.fileBytes; ) {
      const got = this.#files.read(name, piece, Math.min(piece.length, list.fileBytes - at), at);
      if (got === 0) break;
      visitAll(new Uint32Array(piece.buffer, 0, got >> 2), got / itemBytes);
      at += got;
    }
    this.#files.remove(name);
  }

  /** Removes its files; the folder is removed by whoever made it. */
  close(): void {
    this.#files.removeAll();
    this.#lists.clear();
  }

  #nameOf(number: number): string {
    return `${this.#folder.name}/list-${this.words.length}-${number}`;
  }

  #grow(list: List, number: number): void {
    const bytes = list.items.byteLength;
    if (this.bytes + bytes > this.#budgetBytes) {
      this.#spill();
      if (list.count === 0) return;
    }
    if (this.bytes + bytes > this.#budgetBytes && list.count >= itemsSpilled) return this.#spillOne(list, number);
    const grown = new Uint32Array(list.items.length * 2);
    grown.set(list.items);
    list.items = grown;
    this.bytes += bytes;
  }

  #spill(): void {
    for (const [number, list] of this.#lists) if (list.count >= itemsSpilled) this.#spillOne(list, number);
  }

  #spillOne(list: List, number: number): void {
    this.#folder.make();
    const bytes = list.count * this.words.byteLength;
    this.#files.write(this.#nameOf(number), new Uint8Array(list.items.buffer, 0, bytes), list.fileBytes);
    list.fileBytes += bytes;
    this.bytes -= list.items.byteLength;
    list.items = new Uint32Array(itemsFirst * this.words.length);
    this.bytes += list.items.byteLength;
    list.count = 0;
  }
}
