/**
 * FORMAT: one line that makes a folder a store: `lodemap <format version> <store id>`, the id 32 hex digits. It is written first,
 * durably; all else in the folder can be made from there, so a crash while a store is being made leaves an empty store. It can itself be made again:
 * each segment's header carries the id.
 */
import { randomBytes } from 'node:crypto';
import { StoreError } from '../base/errors.ts';
import { FileStorage } from '../storage/file-storage.ts';
import type { Storage } from '../storage/storage.ts';
import { StoreFolder } from '../storage/folder/store-folder.ts';
import { formatVersion, readHeader, segmentFolder } from './segment/segment.ts';

export const formatName = 'FORMAT';
/** What may lie beside it while the store is being made. */
const ours: ReadonlySet<string> = new Set(['locks', segmentFolder]);
/** What systems, disks and version control leave in folders that are empty to their users. */
const ofNobody = /^(?:lost\+found|\.(?:git(?:keep|ignore|attributes)|keep|placeholder|nobackup|directory|localized|DS_Store|Trash.*|Spotlight-V100|fseventsd|TemporaryItems|snapshots?|nfs[\da-f]+|fuse_hidden\w+|_.*)|Thumbs\.db|ehthumbs\.db|desktop\.ini|CACHEDIR\.TAG|@eaDir|System Volume Information|\$RECYCLE\.BIN)$/i;

/** The folder of the store at `path`: what is made in it belongs to whom the file FORMAT belongs. `mode` is for a new store. */
export function storeFolder(path: string, mode?: number): StoreFolder {
  return new StoreFolder(path, { mode, like: formatName });
}

/** The folder of an open store, for what opens files by itself. */
export function folderOfStore(storage: Storage): StoreFolder {
  return storage instanceof FileStorage ? storage.folder : storeFolder(storage.path);
}

/** Is this a name that says nothing of what a folder is for? Such files are left alone. */
export function isNobodys(entry: string): boolean {
  return ofNobody.test(entry);
}

/** Is there a store, complete or just being made? Throws FORMAT for a folder that holds something else. */
export function isStore(storage: Storage): boolean {
  if (storage.exists(formatName)) return true;
  const entries = storage.list('');
  // Another process may have made it since it was asked for.
  if (entries.includes(formatName)) return true;
  const strangers = entries.filter((entry) => !ours.has(entry) && !entry.startsWith(`${formatName}.`) && !isNobodys(entry));
  if (strangers.length === 0) return false;
  throw new StoreError('FORMAT', `${storage.path} is no store: it has no ${formatName}, but ${strangers.slice(0, 3).join(', ')}`);
}

/**
 * Makes FORMAT again where it is missing or damaged, from the segments' headers, which all have to agree. What may be the line of a newer release
 * stays; so does an intact one where there is no segment. Throws FORMAT, FORMAT_VERSION.
 */
export function mendFormat(storage: Storage): void {
  const ids = new Set(segmentStoreIds(storage));
  if (ids.size === 0) return;
  const line = storage.exists(formatName) ? storage.readAll(formatName).toString('latin1') : '';
  const mended = lineOf([...ids][0]!);
  if (line === mended || isNewer(line)) return;
  if (ids.size > 1) throw new StoreError('FORMAT', `${storage.path} holds segments of ${ids.size} stores: ${formatName} can not be made again`);
  storage.writeAll(formatName, Buffer.from(mended, 'latin1'));
}

/** Does the folder hold segments, so that FORMAT could be made again? */
export function hasSegments(storage: Storage): boolean {
  return segmentStoreIds(storage).length > 0;
}

/** The store ids in the headers that are intact. */
function segmentStoreIds(storage: Storage): string[] {
  const found: string[] = [];
  for (const name of storage.list(segmentFolder)) {
    if (!/^\d{8}(?:-\d+)?\.seg$/.test(name)) continue;
    const file = storage.open(`${segmentFolder}/${name}`, 'read');
    try {
      const header = readHeader(file);
      if (header !== undefined) found.push(Buffer.from(header.storeId).toString('hex'));
    } finally {
      file.close();
    }
  }
  return found;
}

function lineOf(id: string): string {
  return `lodemap ${formatVersion} ${id}\n`;
}

/** Another version, or a line that says more than this release knows of: not damage, as far as anybody can tell. */
function isNewer(line: string): boolean {
  const version = /^lodemap (\d{1,9}) /.exec(line)?.[1];
  const isText = /^[ -~]+\n$/.test(line);
  return isText && version !== undefined && (Number(version) !== formatVersion || line.length > lineOf('0'.repeat(32)).length);
}

/** The store's id. With `create` an empty folder becomes a store. Throws FORMAT, FORMAT_VERSION or NOT_FOUND. */
export function readFormat(storage: Storage, create: boolean): Uint8Array {
  if (!isStore(storage)) {
    if (!create) throw new StoreError('NOT_FOUND', `There is no store at ${storage.path}`);
    if (!storage.list(segmentFolder).every(isNobodys)) {
      throw new StoreError('FORMAT', `${storage.path} has segments, but ${formatName} is missing: a rebuild makes it again`);
    }
    storage.createFolder(segmentFolder);
    storage.writeAll(formatName, Buffer.from(lineOf(randomBytes(16).toString('hex')), 'latin1'));
  }
  const line = storage.readAll(formatName).toString('latin1');
  const match = /^lodemap (\d{1,9}) ([0-9a-f]{32})\n$/.exec(line);
  if (match === null) throw new StoreError('FORMAT', `${storage.path}/${formatName} is not the line of a Lodemap store: a rebuild makes it again`);
  if (Number(match[1]) !== formatVersion) {
    throw new StoreError('FORMAT_VERSION', `The store has format version ${match[1]}; this build reads ${formatVersion}`);
  }
  return Buffer.from(match[2]!, 'hex');
}
