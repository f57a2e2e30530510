/**
 * The files of an LMDB environment, looked at before LMDB opens them.
 *
 * When LMDB refuses to open an environment lmdb-js 3.5.6 uses what it has just freed, and the process is gone. So every
 * reason to refuse that can be seen from outside is looked for first and thrown as an error: a damaged or foreign header, no
 * right to write, no descriptors left, a full disk. The lock file is made here, in full: LMDB would make a sparse one and
 * map it, and the first reader to need one of its pages on a full disk would be killed (SIGBUS).
 */
import fs from 'node:fs';
import { StoreError } from '../base/errors.ts';
import { fileError, systemError } from './file-error.ts';
import type { StoreFolder } from './folder/store-folder.ts';

export const readersMax = 4096;

export const lmdbDataName = 'data.mdb';
const lockName = 'lock.mdb';
/** A slot of 64 bytes a reader, after less than a page of mutexes. */
const lockBytes = readersMax * 64 + 4096;
/** The start of the file's data format 2: page header (24) with its flags, then magic, version, and a table's page size. */
const header = { bytes: 128, flags: 18, magic: 24, version: 28, pageBytes: 48 } as const;
const metaPageFlag = 0x08;
const magic = 0xbeefc0de;
const dataVersion = 2;
/** LMDB has three descriptors a process; one more for what it opens in passing. */
const descriptors = 4;
const freeBytesMin = 1024 * 1024;

/** Makes ready what LMDB needs in `folder` and throws StoreError for what it would refuse: NOT_FOUND, CORRUPT, FORMAT or IO. */
export function prepareLmdbFiles(folder: StoreFolder, options: { create: boolean }): void {
  try {
    if (options.create) folder.makeFolder('');
    const isThere = folder.kind(lmdbDataName) !== undefined;
    // An empty file is a creation that was cut short: LMDB fills it.
    if (!isThere && !options.create) throw systemError('ENOENT', `open ${lmdbDataName}`);
    // One that is there whole takes no room to be opened.
    if (!isThere || folder.kind(lockName) === undefined) checkSpace(folder);
    makeLockFile(folder);
    if (isThere) checkData(folder);
    // LMDB would make it with the rights of this process.
    else folder.fill(lmdbDataName, new Uint8Array(0));
  } catch (error) {
    throw fileError(error, `open the index in ${folder.path}`);
  }
}

function checkSpace(folder: StoreFolder): void {
  const { bavail, bsize } = fs.statfsSync(folder.path);
  if (bavail * bsize < freeBytesMin) throw systemError('ENOSPC', `less than ${freeBytesMin} bytes left for ${folder.path}`);
}

/** Never opens one that is there: closing it again would drop the locks this process has through LMDB. */
function makeLockFile(folder: StoreFolder): void {
  folder.checkFile(lockName);
  if (folder.kind(lockName) === undefined) folder.fill(lockName, Buffer.alloc(lockBytes));
  folder.checkAccess(lockName);
}

/** The data file, unlike the lock file, may be opened by anyone: LMDB has no locks on it. */
function checkData(folder: StoreFolder): void {
  const opened: number[] = [];
  try {
    for (let i = 0; i < descriptors; i++) opened.push(folder.open(lmdbDataName, 'write'));
    const first = readMeta(opened[0]!, 0);
    if (first === 'empty') return;
    if (first === undefined || readMeta(opened[0]!, first) !== first) {
      throw new StoreError('CORRUPT', `The index file ${folder.path}/${lmdbDataName} does not begin as one of LMDB's format ${dataVersion}`);
    }
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

/** The page size a meta page names; undefined when it is none. */
function readMeta(fd: number, position: number): number | 'empty' | undefined {
  const bytes = Buffer.alloc(header.bytes);
  const read = fs.readSync(fd, bytes, 0, bytes.length, position);
  if (read === 0 && position === 0) return 'empty';
  const pageBytes = bytes.readUInt32LE(header.pageBytes);
  const sound =
    read === bytes.length &&
    (bytes.readUInt16LE(header.flags) & metaPageFlag) !== 0 &&
    bytes.readUInt32LE(header.magic) === magic &&
    bytes.readUInt16LE(header.version) === dataVersion &&
    pageBytes >= 512 &&
    pageBytes <= 65_536 &&
    (pageBytes & (pageBytes - 1)) === 0;
  return sound ? pageBytes : undefined;
}
