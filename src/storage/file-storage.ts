import fs from 'node:fs';
import { closedError, fileError, readOnlyError, systemError } from './file-error.ts';
import type { OpenMode, Storage, StorageFile } from './storage.ts';
import { StoreFolder, identityOf } from './folder/store-folder.ts';
import type { Place } from './folder/store-folder.ts';
import { readWhole, writeWhole } from './whole-file.ts';

/** A store's folder on a disk. */
export class FileStorage implements Storage {
  /** For what opens files by itself: locks and the index. */
  readonly folder: StoreFolder;

  /** It need not exist yet: `createFolder('')` makes it. */
  constructor(folder: string | StoreFolder) {
    this.folder = typeof folder === 'string' ? new StoreFolder(folder) : folder;
  }

  get path(): string {
    return this.folder.path;
  }

  checkInPlace(): void {
    this.#attempt('look for the store', () => this.folder.checkKept());
  }

  /** Throws IO when this process may not write to one of these that is there. */
  checkAccess(names: readonly string[]): void {
    this.#attempt(`write to the store at ${this.path} (readOnly opens it to read)`, () => {
      for (const name of names) if (this.folder.kind(name) !== undefined) this.folder.checkAccess(name);
    });
  }

  /** See StoreFolder; to be asked before anything is written. */
  checkRights(folders: readonly string[]): string | undefined {
    return this.#attempt('look whose the store is', () => this.folder.checkRights(folders));
  }

  freeBytes(): number {
    return this.#attempt('ask for the room on the disk', () => {
      const { bavail, bsize } = fs.statfsSync(this.path);
      return bavail * bsize;
    });
  }

  exists(name: string): boolean {
    return this.#attempt(`look for ${name}`, () => this.folder.kind(name) !== undefined);
  }

  list(folder: string): string[] {
    return this.#attempt(`list the folder ${folder || this.path}`, () => this.folder.list(folder));
  }

  open(name: string, mode: OpenMode): StorageFile {
    const fd = this.#attempt(`open ${name}`, () => this.folder.open(name, mode));
    return new DiskFile(fd, { folder: this.folder, name }, mode !== 'read');
  }

  size(name: string): number {
    return this.#attempt(`stat ${name}`, () => this.folder.size(name));
  }

  createFolder(name: string): void {
    this.#attempt(`create the folder ${name || this.path}`, () => this.folder.makeFolder(name));
  }

  rename(from: string, to: string): void {
    this.#attempt(`rename ${from} to ${to}`, () => this.folder.rename(from, to));
  }

  remove(name: string): void {
    this.#attempt(`remove ${name}`, () => this.folder.remove(name));
  }

  removeFolder(name: string): void {
    this.#attempt(`remove the folder ${name || this.path}`, () => this.folder.removeFolder(name));
  }

  syncFolder(name: string): void {
    this.#attempt(`sync the folder ${name || this.path}`, () => this.folder.sync(name));
  }

  /** Tells a file from every other one, a copy of it included: device and inode. */
  identity(name: string): string {
    return this.#attempt(`stat ${name}`, () => {
      const identity = this.folder.identity(name);
      if (identity === undefined) throw systemError('ENOENT', `stat ${name}`);
      return identity;
    });
  }

  /** Gives a file a second name; false where the file system has no links. */
  link(from: string, to: string): boolean {
    return this.#attempt(`link ${from} to ${to}`, () => this.folder.link(from, to));
  }

  readAll(name: string): Buffer {
    return readWhole(this, name);
  }

  writeAll(name: string, bytes: Uint8Array): void {
    writeWhole(this, name, bytes);
  }

  #attempt<T>(doing: string, call: () => T): T {
    try {
      return call();
    } catch (error) {
      throw fileError(error, doing);
    }
  }
}

class DiskFile implements StorageFile {
  readonly #fd: number;
  readonly #folder: StoreFolder;
  readonly #name: string;
  readonly #writable: boolean;
  #closed = false;
  #syncsUnderWay = 0;

  constructor(fd: number, { folder, name }: Exclude<Place, string>, writable: boolean) {
    this.#fd = fd;
    this.#folder = folder;
    this.#name = name;
    this.#writable = writable;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    if (this.#closed) throw closedError(this.#name);
    try {
      let done = fs.readSync(this.#fd, target, offset, length, position);
      // One call nearly always brings everything; the loop is for the system's right to bring less.
      while (done < length && done > 0) {
        const more = fs.readSync(this.#fd, target, offset + done, length - done, position + done);
        if (more === 0) break;
        done += more;
      }
      return done;
    } catch (error) {
      throw fileError(error, `read ${this.#name}`);
    }
  }

  write(source: Uint8Array, position: number): void {
    this.#mayWrite();
    try {
      let done = 0;
      while (done < source.length) {
        done += fs.writeSync(this.#fd, source, done, source.length - done, position + done);
      }
    } catch (error) {
      throw fileError(error, `write ${this.#name}`);
    }
  }

  truncate(size: number): void {
    this.#mayWrite();
    try {
      fs.ftruncateSync(this.#fd, size);
    } catch (error) {
      throw fileError(error, `truncate ${this.#name}`);
    }
  }

  size(): number {
    if (this.#closed) throw closedError(this.#name);
    try {
      return fs.fstatSync(this.#fd).size;
    } catch (error) {
      throw fileError(error, `stat ${this.#name}`);
    }
  }

  sync(): void {
    if (this.#closed) throw closedError(this.#name);
    try {
      fs.fdatasyncSync(this.#fd);
    } catch (error) {
      throw fileError(error, `sync ${this.#name}`);
    }
  }

  async syncSoon(): Promise<void> {
    if (this.#closed) throw closedError(this.#name);
    this.#syncsUnderWay++;
    try {
      await new Promise<void>((resolve, reject) => {
        fs.fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(fileError(error, `sync ${this.#name}`))));
      });
    } finally {
      this.#syncsUnderWay--;
      if (this.#closed) this.#release();
    }
  }

  inPlace(): boolean {
    if (this.#closed) throw closedError(this.#name);
    try {
      return this.#folder.identity(this.#name) === identityOf(fs.fstatSync(this.#fd));
    } catch (error) {
      throw fileError(error, `look for ${this.#name}`);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
  }

  /** Gives the descriptor back, unless a sync uses it: its number could by then belong to another file. */
  #release(): void {
    if (this.#syncsUnderWay > 0) return;
    try {
      fs.closeSync(this.#fd);
    } catch (error) {
      throw fileError(error, `close ${this.#name}`);
    }
  }

  #mayWrite(): void {
    if (this.#closed) throw closedError(this.#name);
    if (!this.#writable) throw readOnlyError(this.#name);
  }
}
