/** The files of a store, in memory. */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Files } from './damage.ts';

/** All but LMDB's lock file, which must not be opened while the store is, and the kernel's locks, which hold nothing. */
export function readFiles(path: string): Files {
  const files = new Map<string, Buffer>();
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === 'lock.mdb' || entry.name === 'lock') continue;
    const file = join(entry.parentPath, entry.name);
    files.set(file.slice(path.length + 1).replaceAll('\\', '/'), readFileSync(file));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Writes files as a store; its folder is emptied first. */
export function writeFiles(path: string, files: Files): void {
  rmSync(path, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), bytes);
  }
}
