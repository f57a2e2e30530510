import type { Storage } from './storage.ts';

/** The folder part of a name; '' for a name without one. */
export function folderOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

/** `Storage.readAll` for any storage. */
export function readWhole(storage: Storage, name: string): Buffer {
  const file = storage.open(name, 'read');
  try {
    const bytes = Buffer.allocUnsafe(file.size());
    // Another process may be cutting the file: what came is what there is.
    return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0));
  } finally {
    file.close();
  }
}

/**
 * `Storage.writeAll` for any storage. At every moment the name has the old content or the new, and what it has is durable
 * first. The file beside it (`.new`) is a leftover of a crash when it is there, so callers that may meet hold a lock.
 */
export function writeWhole(storage: Storage, name: string, bytes: Uint8Array): void {
  const beside = `${name}.new`;
  storage.remove(beside);
  const file = storage.open(beside, 'create');
  try {
    file.write(bytes, 0);
    file.sync();
  } finally {
    file.close();
  }
  storage.rename(beside, name);
  storage.syncFolder(folderOf(name));
}
