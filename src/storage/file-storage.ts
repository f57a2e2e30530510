import fs from 'node:fs';
import { join } from 'node:path';
import { closedError, fileError, readOnlyError } from './file-error.ts';
import type { OpenMode, Storage, StorageFile } from './storage.ts';
import { readWhole, writeWhole } from './whole-file.ts';

// Only the owner may read: a store holds whatever its user puts in.
const fileMode = 0o600;
const folderMode = 0o700;
const openFlags: Record<OpenMode, string> = { read: 'r', write: 'r+', create: 'wx+' };
/** What a file system without hard links says, or one that has no more of them. */
const linksMissing = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/** A store's folder on a disk. */
export class FileStorage implements Storage {
  readonly path: string;

  /** `path` need not exist yet: `createFolder('')` makes it. */
  constructor(path: string) {
    this.path = path;
  }

  exists(name: string): boolean {
    return fs.existsSync(this.#at(name));
  }

  list(folder: string): string[] {
    try {
      return fs.readdirSync(this.#at(folder)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw fileError(error, `list the folder ${folder}`);
    }
  }

  open(name: string, mode: OpenMode): StorageFile {
    const fd = this.#attempt(`open ${name}`, () => fs.openSync(this.#at(name), openFlags[mode], fileMode));
    return new DiskFile(fd, name, mode !== 'read');
  }

  createFolder(name: string): void {
    this.#attempt(`create the folder ${name}`, () =>
      fs.mkdirSync(this.#at(name), { recursive: true, mode: folderMode }),
    );
  }

  rename(from: string, to: string): void {
    this.#attempt(`rename ${from} to ${to}`, () => fs.renameSync(this.#at(from), this.#at(to)));
  }

  remove(name: string): void {
    try {
      fs.unlinkSync(this.#at(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError(error, `remove ${name}`);
    }
  }

  removeFolder(name: string): void {
    this.#attempt(`remove the folder ${name}`, () => fs.rmSync(this.#at(name), { recursive: true, force: true }));
  }

  syncFolder(name: string): void {
    // Windows has no such call: its journal keeps directory entries in order.
    if (process.platform === 'win32') return;
    this.#attempt(`sync the folder ${name}`, () => {
      const fd = fs.openSync(this.#at(name), 'r');
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  /** Tells a file from every other one, a copy of it included: device and inode. */
  identity(name: string): string {
    return this.#attempt(`stat ${name}`, () => {
      const { dev, ino } = fs.statSync(this.#at(name));
      return `${dev}:${ino}`;
    });
  }

  /** Gives a file a second name; false where the file system has no links. */
  link(from: string, to: string): boolean {
    try {
      fs.linkSync(this.#at(from), this.#at(to));
      return true;
    } catch (error) {
      if (linksMissing.has((error as NodeJS.ErrnoException).code ?? '')) return false;
      throw fileError(error, `link ${from} to ${to}`);
    }
  }

  readAll(name: string): Buffer {
    return readWhole(this, name);
  }

  writeAll(name: string, bytes: Uint8Array): void {
    writeWhole(this, name, bytes);
  }

  #at(name: string): string {
    return join(this.path, name);
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
  readonly #name: string;
  readonly #writable: boolean;
  #closed = false;
  #syncsUnderWay = 0;

  constructor(fd: number, name: string, writable: boolean) {
    this.#fd = fd;
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
