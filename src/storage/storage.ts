/**
 * Storage: the folder of one store, as far as the log needs it. Everything above writes files through this interface, so
 * that the same code runs on a disk (FileStorage), in memory (MemoryStorage) and on a disk that loses power
 * (CrashStorage).
 *
 * Names are relative, with `/` between folder and file; '' is the store's own folder. What a caller may rely on is in
 * README.md. All methods are synchronous and throw StoreError: NOT_FOUND for what is not there, READ_ONLY for a write
 * through a file opened for reading, CLOSED after close, IO for the rest, with the system's error as `cause`.
 */

/** An open file. Reads and writes are positional; there is no cursor. */
export interface StorageFile {
  /** Reads `length` bytes at `position` into `target` at `offset`; returns how many came: fewer only at the end of the file. */
  read(target: Uint8Array, offset: number, length: number, position: number): number;
  /** Writes all of `source` at `position`, or throws; after a throw any part of it may have been written. */
  write(source: Uint8Array, position: number): void;
  /** Cuts the file, or extends it by zeros, to `size` bytes. */
  truncate(size: number): void;
  /** The file's size in bytes. */
  size(): number;
  /** Returns when all that was written is durable (fdatasync). A failed sync can not be repeated: the data may be gone. */
  sync(): void;
  /** As `sync`, off the thread. */
  syncSoon(): Promise<void>;
  /** Does its name still lead to this file? Not when it, or a folder above it, was removed, renamed or replaced. */
  inPlace(): boolean;
  /** Idempotent. A sync under way still ends well. */
  close(): void;
}

/** `read`, `write` (read too) an existing file; `create` (read and write) fails when the file exists. */
export type OpenMode = 'read' | 'write' | 'create';

/** One store's folder. */
export interface Storage {
  /** Where it is; for people, and for what opens files by itself (the index, the locks). */
  readonly path: string;
  /** Throws NOT_FOUND when the folder that was opened is no longer the one at its path. */
  checkInPlace(): void;
  /** Bytes that may still be written where the folder is, as far as is known; Infinity where nothing limits them. */
  freeBytes(): number;
  exists(name: string): boolean;
  /** The names in a folder, sorted; [] when there is no such folder. */
  list(folder: string): string[];
  open(name: string, mode: OpenMode): StorageFile;
  /** The size of a file in bytes, without a descriptor. */
  size(name: string): number;
  /** Creates a folder and those above it; one that exists is fine. */
  createFolder(name: string): void;
  /** Atomically gives a file another name, replacing what had it. */
  rename(from: string, to: string): void;
  /** Removes a file; one that is missing is fine. Whoever has it open may read on. */
  remove(name: string): void;
  /** Removes a folder and all in it; one that is missing is fine. */
  removeFolder(name: string): void;
  /** Makes what was created, renamed and removed in this folder durable. */
  syncFolder(name: string): void;
  /** All bytes of a file. */
  readAll(name: string): Buffer;
  /** Replaces a file's content atomically and durably: writes another file, syncs it, renames it, syncs the folder. */
  writeAll(name: string, bytes: Uint8Array): void;
}
