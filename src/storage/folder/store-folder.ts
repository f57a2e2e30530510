/**
 * StoreFolder: one folder on a disk, and the only way from a name in it to a system call. `tools/tidy.ts` sees to that.
 *
 * Whoever can write to the folder could lay a symbolic link, a pipe or a device where a file of the store is expected: a backup or
 * a vacuum would then write to, and remove, what lies elsewhere; a pipe would hold the process for ever. So nothing in it is followed
 * or waited for. Folders on the way to a name are looked at before each call (there is no `openat` in Node: who swaps one between the
 * look and the call gets through, and needs the right to write here for it); the file itself is opened so that the system refuses a
 * link, and is looked at once it is open. The path of the folder itself may lead through links: that is its owner's choice.
 *
 * Methods throw StoreError FORMAT for what is of the wrong kind, and else what `node:fs` throws: `fileError` makes that a StoreError.
 */
import fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StoreError } from '../../base/errors.ts';
import { withDescriptor } from './descriptors.ts';
import { systemError } from '../file-error.ts';
import type { OpenMode } from '../storage.ts';
import { checkGiving, folderModeOf, give, modeDefault, rightsOf, strangersIn } from './rights.ts';

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants;
/** Windows has none of these flags. */
const noFollow = (fs.constants.O_NOFOLLOW as number | undefined) ?? 0;
const noWait = (fs.constants.O_NONBLOCK as number | undefined) ?? 0;
const flags: Record<OpenMode, number> = { read: O_RDONLY, write: O_RDWR, create: O_RDWR | O_CREAT | O_EXCL };
/** What a file system without hard links says, or one that has no more of them. */
const linksMissing = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/** A file in a folder; a path is one in the folder it names, whatever that is. */
export type Place = string | { readonly folder: StoreFolder; readonly name: string };

export interface StoreFolderOptions {
  /** Permission bits of the files that are made, as far as the umask lets them be; folders get the like. Default: the owner's alone. */
  readonly mode?: number | undefined;
  /** The file whose owner, group and mode all others get, once it is there; before, the owner and group of the folder. */
  readonly like?: string;
}

export class StoreFolder {
  readonly path: string;
  readonly #root: string;
  readonly #prefix: string;
  /** The file that tells this folder from another at its path, and what it was. */
  readonly #options: StoreFolderOptions;
  #kept: { readonly name: string; readonly identity: string } | undefined;

  /** `prefix` ends with `/` or is empty: see `sub`. */
  constructor(path: string, options: StoreFolderOptions = {}, prefix = '') {
    this.#root = path;
    this.#options = options;
    this.#prefix = prefix;
    this.path = prefix === '' ? path : join(path, prefix.slice(0, -1));
  }

  /** A folder in this one: names in it are still looked at from the top. */
  sub(name: string): StoreFolder {
    const sub = new StoreFolder(this.#root, this.#options, `${this.#prefix}${name}/`);
    sub.#kept = this.#kept;
    return sub;
  }

  /**
   * From here on nothing is opened, made, renamed or removed unless `name` still leads to the file of this identity, which somebody holds
   * open, so that no other gets it: the folder may be removed, or another put in its place.
   */
  keep(name: string, identity: string): void {
    this.#kept = { name: this.#prefix + name, identity };
  }

  /** Throws NOT_FOUND when the folder is no longer the one that was opened. */
  checkKept(): void {
    if (this.#kept === undefined) return;
    const path = join(this.#root, this.#kept.name);
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && identityOf(stat) === this.#kept.identity) return;
    const what = stat === undefined ? 'was removed or moved' : 'was replaced by another';
    throw new StoreError('NOT_FOUND', `The store that was opened at ${this.#root} ${what} while it was open; open it again where it is`);
  }

  /** The path of a name whose folders are folders. What they are not is for the call that follows to say where they are missing. */
  at(name: string): string {
    this.checkKept();
    const inner = this.#prefix + name;
    for (let end = inner.indexOf('/'); end > 0; end = inner.indexOf('/', end + 1)) {
      const path = join(this.#root, inner.slice(0, end));
      const kind = kindOf(path);
      if (kind === undefined) break;
      if (kind !== 'a folder') throw wrongKind(path, kind, 'a folder');
    }
    return join(this.#root, inner);
  }

  /** What a name is: `a file`, `a folder`, `a symbolic link`, `a pipe` ...; undefined when there is nothing. */
  kind(name: string): string | undefined {
    // The folder's own path may be a link, nothing in it.
    return this.#prefix + name === '' ? kindOf(this.path, true) : kindOf(this.at(name));
  }

  /** Opens a file and gives its descriptor. */
  open(name: string, mode: OpenMode): number {
    const path = this.at(name);
    if (noFollow === 0) checkFile(path);
    let fd: number;
    try {
      fd = withDescriptor(() => fs.openSync(path, flags[mode] | noFollow | noWait, this.#mode));
    } catch (error) {
      if (mode !== 'create') checkFile(path);
      throw error;
    }
    try {
      const stat = fs.fstatSync(fd);
      if (!stat.isFile()) throw wrongKind(path, kindFrom(stat), 'a file');
      if (mode === 'create') this.#give(fd, false);
      return fd;
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  /** Opens a file for reading and writing, and makes it where there is none. */
  openOrCreate(name: string): number {
    // Whoever else makes it, or removes it, between two looks does so once.
    for (let attempts = 0; ; attempts++) {
      try {
        return this.open(name, attempts % 2 === 0 ? 'write' : 'create');
      } catch (error) {
        const expected = attempts % 2 === 0 ? 'ENOENT' : 'EEXIST';
        if (attempts > 3 || (error as NodeJS.ErrnoException).code !== expected) throw error;
      }
    }
  }

  /** Throws FORMAT for what is there and is no file. */
  checkFile(name: string): void {
    checkFile(this.at(name));
  }

  /** Makes a file of these bytes, or none. */
  fill(name: string, bytes: Uint8Array): void {
    const fd = this.open(name, 'create');
    try {
      for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
    } catch (error) {
      this.remove(name);
      throw error;
    } finally {
      fs.closeSync(fd);
    }
  }

  /** All of a small file. */
  readText(name: string): string {
    const fd = this.open(name, 'read');
    try {
      return fs.readFileSync(fd, 'utf8');
    } finally {
      fs.closeSync(fd);
    }
  }

  /** The names in a folder, sorted; [] when there is none. */
  list(name: string): string[] {
    const kind = this.kind(name);
    if (kind === undefined) return [];
    if (kind !== 'a folder') throw wrongKind(this.at(name), kind, 'a folder');
    const path = this.at(name);
    return withDescriptor(() => fs.readdirSync(path)).sort();
  }

  /** Makes a folder and those above it; one that is there is fine. */
  makeFolder(name: string): void {
    fs.mkdirSync(this.#root, { recursive: true, mode: folderModeOf(this.#mode) });
    const inner = (this.#prefix + name).split('/').filter((part) => part !== '');
    let path = this.#root;
    for (const part of inner) {
      path = join(path, part);
      // Another process may have made it meanwhile.
      for (let kind = kindOf(path); kind !== 'a folder'; kind = kindOf(path)) {
        if (kind !== undefined) throw wrongKind(path, kind, 'a folder');
        this.#makeOne(path);
      }
    }
  }

  /** Gives a folder that something else has made the rights of what is made here. */
  adopt(name: string): void {
    this.#adopt(this.at(name));
  }

  /**
   * Throws IO when what this process makes in the folder would shut out those who use it: to be asked before anything is. Says who else may write
   * to one of these folders than may write to the files, if anybody.
   */
  checkRights(folders: readonly string[]): string | undefined {
    const { like } = this.#options;
    const isThere = like !== undefined && kindOf(join(this.#root, like)) === 'a file';
    if (isThere) {
      const fd = this.open(like, 'read');
      try {
        checkGiving({ fd, path: join(this.#root, like) }, this.#root);
      } finally {
        fs.closeSync(fd);
      }
    }
    const meant = (isThere ? rightsOf(join(this.#root, like))?.mode : undefined) ?? this.#mode;
    for (const name of folders) {
      const path = this.at(name);
      const who = strangersIn(path, meant);
      if (who !== undefined) return `${who} may write to the folder ${path}: whoever does can destroy the store`;
    }
    return undefined;
  }

  /** Gives a file or a folder another name, which no folder may have. */
  rename(from: string, to: string): void {
    const path = this.at(from);
    const kind = kindOf(path);
    if (kind === undefined) throw systemError('ENOENT', `rename ${path}`);
    if (kind !== 'a file' && kind !== 'a folder') throw wrongKind(path, kind, 'a file or a folder');
    fs.renameSync(path, this.at(to));
  }

  /** Removes a file, or the link or pipe that has its name; false when there is nothing. */
  remove(name: string): boolean {
    try {
      fs.unlinkSync(this.at(name));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  /** Removes a folder and all in it, links unfollowed; one that is missing is fine. */
  removeFolder(name: string): void {
    fs.rmSync(this.at(name), { recursive: true, force: true });
  }

  /** Gives a file a second name; false where the file system has no links. */
  link(from: string, to: string): boolean {
    checkFile(this.at(from));
    try {
      fs.linkSync(this.at(from), this.at(to));
      return true;
    } catch (error) {
      if (linksMissing.has((error as NodeJS.ErrnoException).code ?? '')) return false;
      throw error;
    }
  }

  /** Makes the names in a folder durable. */
  sync(name: string): void {
    // Windows has no such call: its journal keeps directory entries in order.
    if (process.platform === 'win32') return;
    const kind = this.kind(name);
    if (kind !== undefined && kind !== 'a folder') throw wrongKind(this.at(name), kind, 'a folder');
    const path = this.at(name);
    const fd = withDescriptor(() => fs.openSync(path, O_RDONLY | noWait));
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Tells a file from every other one that there is, a copy of it included; undefined when there is none. */
  identity(name: string): string | undefined {
    const stat = fs.lstatSync(this.at(name), { throwIfNoEntry: false });
    return stat && identityOf(stat);
  }

  size(name: string): number {
    return fs.lstatSync(this.at(name)).size;
  }

  /** What a file takes on the disk: as much as its size, or less where there are holes in it. */
  bytesOnDisk(name: string): number {
    const { size, blocks } = fs.lstatSync(this.at(name));
    return Math.min(size, blocks * 512);
  }

  get #mode(): number {
    return (this.#options.mode ?? modeDefault) & 0o666;
  }

  #makeOne(path: string): void {
    try {
      fs.mkdirSync(path, { mode: folderModeOf(this.#mode) });
      this.#adopt(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }

  #adopt(folder: string): void {
    // Windows opens no folders, and has no rights to give.
    if (process.platform === 'win32') return;
    const fd = withDescriptor(() => fs.openSync(folder, O_RDONLY | noFollow | noWait));
    try {
      this.#give(fd, true);
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Gives what was just made the rights of the others here. */
  #give(fd: number, isFolder: boolean): void {
    const { like } = this.#options;
    if (like === undefined) return;
    const rights = rightsOf(join(this.#root, like));
    if (rights !== undefined) return give(fd, isFolder ? { ...rights, mode: folderModeOf(rights.mode) } : rights);
    const root = rightsOf(this.#root);
    if (root !== undefined) give(fd, { ...root, mode: undefined });
  }

  /** Throws what the system says when this process may not read and write a file. */
  checkAccess(name: string): void {
    const path = this.at(name);
    const kind = name === '' ? undefined : kindOf(path);
    if (kind !== undefined && kind !== 'a file' && kind !== 'a folder') throw wrongKind(path, kind, 'a file or a folder');
    fs.accessSync(path, fs.constants.R_OK | fs.constants.W_OK);
  }
}

/** The folder and the name of a place. */
export function placeIn(place: Place): { readonly folder: StoreFolder; readonly name: string } {
  return typeof place === 'string' ? { folder: new StoreFolder(dirname(place)), name: basename(place) } : place;
}

/** Device and inode. */
export function identityOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}

function kindOf(path: string, follow = false): string | undefined {
  try {
    return kindFrom(follow ? fs.statSync(path) : fs.lstatSync(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function kindFrom(stat: fs.Stats): string {
  if (stat.isFile()) return 'a file';
  if (stat.isDirectory()) return 'a folder';
  if (stat.isSymbolicLink()) return 'a symbolic link';
  if (stat.isFIFO()) return 'a pipe';
  return stat.isSocket() ? 'a socket' : 'a device';
}

function checkFile(path: string): void {
  const kind = kindOf(path);
  if (kind !== undefined && kind !== 'a file') throw wrongKind(path, kind, 'a file');
}

function wrongKind(path: string, kind: string, expected: string): StoreError {
  return new StoreError('FORMAT', `${path} is ${kind}, and a store has ${expected} there; it was not touched`);
}
