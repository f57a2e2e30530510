import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What the files in a folder take on the disk, holes left out; others may remove some meanwhile. */
export function bytesIn(folder: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      const { size, blocks } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0, blocks: 0 };
      bytes += entry.isDirectory() ? bytesIn(path) : Math.min(size, blocks * 512);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return bytes;
}
