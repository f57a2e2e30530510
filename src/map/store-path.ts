/** How a caller names a folder, to the one path it has. */
import { fileURLToPath } from 'node:url';
import { isUrl } from '../base/brands.ts';
import { StoreError, describe } from '../base/errors.ts';
import { fileAbove, realPath } from '../storage/folder/real-path.ts';

/** Not a drive of Windows, which has one letter. */
const urlText = /^(?:file:|[a-z][a-z\d+.-]+:\/\/)/i;

/**
 * The absolute path of the folder that `path` names, links followed; `call` is who was given it. Throws TypeError for what names no
 * folder, FORMAT where there is a file.
 */
export function folderPath(path: unknown, call: string): string {
  const plain = isUrl(path) ? fileURLToPath(path) : path;
  if (typeof plain !== 'string' || plain === '') {
    throw new TypeError(`${call} expects the path of a folder, a string or a file URL; got ${describe(path)}`);
  }
  if (plain.includes('\0')) throw new TypeError(`${call} expects the path of a folder, which has no NUL character; got ${describe(plain)}`);
  if (urlText.test(plain)) {
    const hint = /^file:/i.test(plain) ? 'pass new URL(...) for a file URL' : 'only file URLs name folders';
    throw new TypeError(`${call} expects the path of a folder; got the text of a URL, ${describe(plain)}: ${hint}, or ./ before it if that is its name`);
  }
  const folder = realPath(plain);
  const file = fileAbove(folder);
  if (file !== undefined) throw new StoreError('FORMAT', `${file} is no folder, so there is no store at ${folder}`);
  return folder;
}
