import { closedError, fileError, readOnlyError, systemError } from './file-error.ts';
import type { OpenMode, Storage, StorageFile } from './storage.ts';
import { folderOf, readWhole, writeWhole } from './whole-file.ts';

/** A store's folder in memory. It behaves as a folder on a disk does; nothing is ever lost but with the process. */
export class MemoryStorage implements Storage {
  readonly path: string = 'memory:';
  readonly #files = new Map<string, Content>();
  readonly #folders = new Set<string>(['']);

  checkInPlace(): void {}

  size(name: string): number {
    return this.open(name, 'read').size();
  }

  freeBytes(): number {
    return Infinity;
  }

  exists(name: string): boolean {
    return this.#files.has(name) || this.#folders.has(name);
  }

  list(folder: string): string[] {
    const names: string[] = [];
    for (const name of [...this.#files.keys(), ...this.#folders]) {
      if (name !== '' && folderOf(name) === folder) names.push(folder === '' ? name : name.slice(folder.length + 1));
    }
    return names.sort();
  }

  open(name: string, mode: OpenMode): StorageFile {
    let content = this.#files.get(name);
    if (mode === 'create') {
      if (this.exists(name)) throw fileError(systemError('EEXIST', 'open'), `create ${name}`);
      if (!this.#folders.has(folderOf(name))) throw fileError(systemError('ENOENT', 'open'), `create ${name}`);
      content = new Content();
      this.#files.set(name, content);
    }
    if (content === undefined) throw fileError(systemError('ENOENT', 'open'), `open ${name}`);
    return new MemoryFile(content, name, mode !== 'read');
  }

  createFolder(name: string): void {
    if (this.#files.has(name)) throw fileError(systemError('EEXIST', 'mkdir'), `create the folder ${name}`);
    for (let folder = name; folder !== ''; folder = folderOf(folder)) this.#folders.add(folder);
  }

  rename(from: string, to: string): void {
    const content = this.#files.get(from);
    if (content === undefined || !this.#folders.has(folderOf(to))) {
      throw fileError(systemError('ENOENT', 'rename'), `rename ${from} to ${to}`);
    }
    this.#files.delete(from);
    this.#files.set(to, content);
  }

  remove(name: string): void {
    if (this.#folders.has(name)) throw fileError(systemError('EISDIR', 'unlink'), `remove ${name}`);
    this.#files.delete(name);
  }

  removeFolder(name: string): void {
    const inside = (other: string): boolean => other === name || name === '' || other.startsWith(`${name}/`);
    for (const file of this.#files.keys()) if (inside(file)) this.#files.delete(file);
    for (const folder of this.#folders) if (inside(folder)) this.#folders.delete(folder);
    this.#folders.add('');
  }

  syncFolder(name: string): void {
    if (!this.#folders.has(name)) throw fileError(systemError('ENOENT', 'fsync'), `sync the folder ${name}`);
  }

  readAll(name: string): Buffer {
    return readWhole(this, name);
  }

  writeAll(name: string, bytes: Uint8Array): void {
    writeWhole(this, name, bytes);
  }
}

/** What a name leads to. It outlives its name while a file has it open. */
class Content {
  bytes: Buffer = Buffer.alloc(0);
  size: number = 0;

  /** Sets the size; what is new reads as zeros. Capacity grows by doubling. */
  resize(size: number): void {
    if (size > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(size, this.bytes.length * 2, 512));
      this.bytes.copy(larger, 0, 0, this.size);
      this.bytes = larger;
    } else if (size < this.size) {
      this.bytes.fill(0, size, this.size);
    }
    this.size = size;
  }
}

class MemoryFile implements StorageFile {
  readonly #content: Content;
  readonly #name: string;
  readonly #writable: boolean;
  #closed = false;

  constructor(content: Content, name: string, writable: boolean) {
    this.#content = content;
    this.#name = name;
    this.#writable = writable;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    this.#mayRead();
    const end = Math.min(position + length, this.#content.size);
    if (end <= position) return 0;
    target.set(this.#content.bytes.subarray(position, end), offset);
    return end - position;
  }

  write(source: Uint8Array, position: number): void {
    this.#mayWrite();
    if (source.length === 0) return;
    const end = position + source.length;
    if (end > this.#content.size) this.#content.resize(end);
    this.#content.bytes.set(source, position);
  }

  truncate(size: number): void {
    this.#mayWrite();
    this.#content.resize(size);
  }

  size(): number {
    this.#mayRead();
    return this.#content.size;
  }

  sync(): void {
    this.#mayRead();
  }

  async syncSoon(): Promise<void> {
    this.#mayRead();
  }

  /** Nobody else can get at it. */
  inPlace(): boolean {
    return true;
  }

  close(): void {
    this.#closed = true;
  }

  #mayRead(): void {
    if (this.#closed) throw closedError(this.#name);
  }

  #mayWrite(): void {
    this.#mayRead();
    if (!this.#writable) throw readOnlyError(this.#name);
  }
}
