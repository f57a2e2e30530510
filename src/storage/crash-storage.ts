/**
 * CrashStorage: a store's folder on a disk that can lose power. It keeps two images:
 *
 *     live      what the program sees: every write, creation, rename and removal
 *     durable   what a sync has put out of danger: a file's bytes by `sync`, a folder's entries by `syncFolder`
 *
 * and, between them, the list of what is not yet durable. `crash` makes a new storage out of the durable image and a random
 * part of that list:
 *
 * - Each sector of 512 bytes of a file stops, by itself, at some moment between the last sync and now; so writes are
 *   dropped, torn at sectors and reordered. A sector is whole: it never mixes two moments.
 * - The file's size stops at a moment of its own: it can be shorter than what was written, or longer, reading zeros.
 * - Each change of a folder's entries happened or not; a rename happens as a whole. What lies in a folder that is lost is lost.
 *
 * A sync that fails (see `onOperation`) gives up what was not durable, as Linux does: the program still reads it, a later
 * sync succeeds without it.
 */
import { fileError, systemError } from './file-error.ts';
import { MemoryStorage } from './memory-storage.ts';
import type { OpenMode, Storage, StorageFile } from './storage.ts';
import { folderOf, readWhole, writeWhole } from './whole-file.ts';
import { UnsyncedFile } from './unsynced-file.ts';

/** One call that is about to reach the disk. `count` is its number, from 1. */
export interface DiskOperation {
  readonly count: number;
  readonly kind: 'read' | 'write' | 'truncate' | 'sync' | 'create' | 'rename' | 'remove' | 'createFolder' | 'syncFolder';
  readonly name: string;
}

/** A change of folder entries that is not durable yet. A file of undefined is a folder. */
interface EntryChange {
  readonly folders: readonly string[];
  readonly add: ReadonlyArray<readonly [name: string, file: UnsyncedFile | undefined]>;
  readonly remove: readonly string[];
}

type Entries = Map<string, UnsyncedFile | undefined>;

export class CrashStorage implements Storage {
  readonly path: string = 'crash:';
  /** Operations so far. */
  operations: number = 0;
  /**
   * Called before each operation. It may call `crash` (the program goes on), throw (the program stops there), or return
   * the code of a system error (`EIO`, `ENOSPC`): then the operation fails with it, a write perhaps half done.
   */
  onOperation: ((operation: DiskOperation) => string | undefined | void) | undefined;
  readonly #live = new MemoryStorage();
  readonly #files = new Map<string, UnsyncedFile>();
  readonly #durable: Entries = new Map([['', undefined]]);
  #changes: EntryChange[] = [];

  /** What the disk may hold after a loss of power now. `random` gives numbers in [0, 1); the same ones, the same disk. */
  crash(random: () => number): MemoryStorage {
    const entries: Entries = new Map(this.#durable);
    // Disks differ in how much they had got round to: nothing, everything, or anything between.
    const eagerness = pick(random, [0, 1, random()]);
    for (const change of this.#changes) if (random() < eagerness) applyChange(entries, change);
    const after = new MemoryStorage();
    for (const [name, file] of entries) if (file === undefined && isReachable(entries, name)) after.createFolder(name);
    const images = new Map<UnsyncedFile, Buffer>();
    for (const [name, file] of entries) {
      if (file === undefined || !isReachable(entries, name)) continue;
      // A file under two names (a rename half seen) is one file.
      const image = images.get(file) ?? file.crash(random);
      images.set(file, image);
      const copy = after.open(name, 'create');
      copy.write(image, 0);
      copy.close();
    }
    return after;
  }

  checkInPlace(): void {}

  size(name: string): number {
    return this.#live.size(name);
  }

  freeBytes(): number {
    return Infinity;
  }

  exists(name: string): boolean {
    return this.#live.exists(name);
  }

  list(folder: string): string[] {
    return this.#live.list(folder);
  }

  open(name: string, mode: OpenMode): StorageFile {
    if (mode === 'create') this.#operation('create', name);
    const live = this.#live.open(name, mode);
    if (mode === 'create') {
      const file = new UnsyncedFile();
      this.#files.set(name, file);
      this.#changes.push({ folders: [folderOf(name)], add: [[name, file]], remove: [] });
    }
    return new CrashFile(live, this.#files.get(name)!, (kind) => this.#operation(kind, name));
  }

  createFolder(name: string): void {
    this.#operation('createFolder', name);
    const made: string[] = [];
    for (let folder = name; !this.#live.exists(folder); folder = folderOf(folder)) made.unshift(folder);
    this.#live.createFolder(name);
    for (const folder of made) {
      this.#changes.push({ folders: [folderOf(folder)], add: [[folder, undefined]], remove: [] });
    }
  }

  rename(from: string, to: string): void {
    this.#operation('rename', from);
    this.#live.rename(from, to);
    const file = this.#files.get(from)!;
    this.#files.delete(from);
    this.#files.set(to, file);
    this.#changes.push({ folders: [folderOf(from), folderOf(to)], add: [[to, file]], remove: from === to ? [] : [from] });
  }

  remove(name: string): void {
    this.#operation('remove', name);
    this.#live.remove(name);
    if (this.#files.delete(name)) this.#changes.push({ folders: [folderOf(name)], add: [], remove: [name] });
  }

  removeFolder(name: string): void {
    for (const inner of this.#live.list(name)) {
      const path = name === '' ? inner : `${name}/${inner}`;
      if (this.#files.has(path)) this.remove(path);
      else this.removeFolder(path);
    }
    if (name === '' || !this.#live.exists(name)) return;
    this.#operation('remove', name);
    this.#live.removeFolder(name);
    this.#changes.push({ folders: [folderOf(name)], add: [], remove: [name] });
  }

  syncFolder(name: string): void {
    this.#operation('syncFolder', name);
    this.#live.syncFolder(name);
    // A journal keeps order: what an earlier change did to the same names and files is not to come after.
    const synced = new Set<EntryChange>();
    const touched = new Set<unknown>();
    for (const change of this.#changes.toReversed()) {
      const touches = [...change.add.flat(), ...change.remove].filter((one) => one !== undefined);
      if (!change.folders.includes(name) && !touches.some((one) => touched.has(one))) continue;
      synced.add(change);
      for (const one of touches) touched.add(one);
    }
    for (const change of this.#changes) if (synced.has(change)) applyChange(this.#durable, change);
    this.#changes = this.#changes.filter((change) => !synced.has(change));
  }

  readAll(name: string): Buffer {
    return readWhole(this, name);
  }

  writeAll(name: string, bytes: Uint8Array): void {
    writeWhole(this, name, bytes);
  }

  #operation(kind: DiskOperation['kind'], name: string): void {
    const code = this.onOperation?.({ count: ++this.operations, kind, name });
    if (typeof code === 'string') throw fileError(systemError(code, kind), `${kind} ${name}`);
  }
}

class CrashFile implements StorageFile {
  readonly #live: StorageFile;
  readonly #file: UnsyncedFile;
  readonly #operation: (kind: DiskOperation['kind']) => void;

  constructor(live: StorageFile, file: UnsyncedFile, operation: (kind: DiskOperation['kind']) => void) {
    this.#live = live;
    this.#file = file;
    this.#operation = operation;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    this.#operation('read');
    return this.#live.read(target, offset, length, position);
  }

  write(source: Uint8Array, position: number): void {
    let written = source;
    try {
      this.#operation('write');
    } catch (error) {
      // A failing write may leave a part behind. The half makes a torn record of nearly every one.
      written = source.subarray(0, source.length >> 1);
      this.#live.write(written, position);
      this.#file.write(written, position);
      throw error;
    }
    this.#live.write(written, position);
    this.#file.write(written, position);
  }

  truncate(size: number): void {
    this.#operation('truncate');
    this.#live.truncate(size);
    this.#file.truncate(size);
  }

  size(): number {
    return this.#live.size();
  }

  sync(): void {
    try {
      this.#operation('sync');
    } catch (error) {
      this.#file.giveUp();
      throw error;
    }
    this.#live.sync();
    this.#file.sync();
  }

  async syncSoon(): Promise<void> {
    await Promise.resolve();
    this.sync();
  }

  inPlace(): boolean {
    return true;
  }

  close(): void {
    this.#live.close();
  }
}

function applyChange(entries: Entries, change: EntryChange): void {
  for (const name of change.remove) entries.delete(name);
  for (const [name, file] of change.add) entries.set(name, file);
}

/** Are all folders above `name` there? */
function isReachable(entries: Entries, name: string): boolean {
  for (let folder = folderOf(name); folder !== ''; folder = folderOf(folder)) if (!entries.has(folder)) return false;
  return true;
}

function pick<T>(random: () => number, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)]!;
}
