import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** The one absolute path of a file or folder, links followed; as it is named where it does not exist yet. */
export function realPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch {
    return absolute;
  }
}
