/**
 * OverlayStorage: a store's folder that is only read. What its holder makes, cuts or removes is so for this object alone, in memory, and
 * nothing of it reaches the folder: so recovery and all that is above run unchanged where nobody may write, beside others who do.
 */
import { fileError, readOnlyError, systemError } from './file-error.ts';
import { MemoryStorage } from './memory-storage.ts';
import type { OpenMode, Storage, StorageFile } from './storage.ts';
import { folderOf, readWhole, writeWhole } from './whole-file.ts';

export class OverlayStorage implements Storage {
  readonly #below: Storage;
  readonly #above = new MemoryStorage();
  /** Names whose files below are not seen: of files and folders. */
  readonly #hidden = new Set<string>();
  /** Where files below end that were cut. */
  readonly #ends = new Map<string, number>();

  /** What is in the folders named `hidden` is other processes' own. */
  constructor(below: Storage, hidden: readonly string[]) {
    this.#below = below;
    for (const name of hidden) this.#hidden.add(name);
  }

  get path(): string {
    return this.#below.path;
  }

  checkInPlace(): void {
    this.#below.checkInPlace();
  }

  freeBytes(): number {
    return this.#below.freeBytes();
  }

  exists(name: string): boolean {
    return this.#above.exists(name) || (this.#isSeen(name) && this.#below.exists(name));
  }

  list(folder: string): string[] {
    const below = this.#isSeen(folder) ? this.#below.list(folder) : [];
    const seen = below.filter((name) => this.#isSeen(folder === '' ? name : `${folder}/${name}`));
    return [...new Set([...seen, ...this.#above.list(folder)])].sort();
  }

  open(name: string, mode: OpenMode): StorageFile {
    if (this.#above.exists(name)) return this.#above.open(name, mode);
    if (mode === 'create') {
      if (this.exists(name)) throw fileError(systemError('EEXIST', 'open'), `create ${name}`);
      this.#above.createFolder(folderOf(name));
      return this.#above.open(name, mode);
    }
    if (!this.#isSeen(name)) throw fileError(systemError('ENOENT', 'open'), `open ${name}`);
    return new FileBelow(this.#below.open(name, 'read'), name, this.#ends);
  }

  size(name: string): number {
    if (this.#above.exists(name)) return this.#above.size(name);
    if (!this.#isSeen(name)) throw fileError(systemError('ENOENT', 'stat'), `measure ${name}`);
    return Math.min(this.#below.size(name), this.#ends.get(name) ?? Infinity);
  }

  createFolder(name: string): void {
    this.#above.createFolder(name);
  }

  rename(from: string, to: string): void {
    if (!this.#above.exists(from)) throw readOnlyError(from);
    this.#above.createFolder(folderOf(to));
    this.#above.rename(from, to);
  }

  remove(name: string): void {
    if (this.#above.exists(name)) this.#above.remove(name);
    this.#hidden.add(name);
  }

  removeFolder(name: string): void {
    this.#above.removeFolder(name);
    this.#hidden.add(name);
  }

  syncFolder(): void {}

  readAll(name: string): Buffer {
    return readWhole(this, name);
  }

  writeAll(name: string, bytes: Uint8Array): void {
    writeWhole(this, name, bytes);
  }

  #isSeen(name: string): boolean {
    for (let at = name; at !== ''; at = folderOf(at)) if (this.#hidden.has(at)) return false;
    return true;
  }
}

class FileBelow implements StorageFile {
  readonly #file: StorageFile;
  readonly #name: string;
  readonly #ends: Map<string, number>;

  constructor(file: StorageFile, name: string, ends: Map<string, number>) {
    this.#file = file;
    this.#name = name;
    this.#ends = ends;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const end = this.#ends.get(this.#name);
    const wanted = end === undefined ? length : Math.max(0, Math.min(length, end - position));
    return this.#file.read(target, offset, wanted, position);
  }

  write(): void {
    throw readOnlyError(this.#name);
  }

  truncate(size: number): void {
    this.#ends.set(this.#name, Math.min(size, this.#ends.get(this.#name) ?? size));
  }

  size(): number {
    return Math.min(this.#file.size(), this.#ends.get(this.#name) ?? Infinity);
  }

  sync(): void {}

  async syncSoon(): Promise<void> {}

  inPlace(): boolean {
    return this.#file.inPlace();
  }

  close(): void {
    this.#file.close();
  }
}
