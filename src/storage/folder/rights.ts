/**
 * Whose the files of a store are. Who runs a command on somebody else's store (`sudo`, most often) must not shut its users out: what is
 * made in it gets owner, group and mode of the file that made it a store, whatever the umask. Where that is not allowed nothing is written.
 *
 * Windows has none of this: there files belong to whom their folder says.
 */
import fs from 'node:fs';
import { StoreError } from '../../base/errors.ts';
import { systemError } from '../file-error.ts';

/** Owner, group and permission bits of files. */
export interface Rights {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

// Only the owner may read unless the user says otherwise: a store holds whatever its user puts in.
export const modeDefault = 0o600;
const groupBits = 0o060;
const otherBits = 0o006;
const sticky = 0o1000;
const takesGroup = 0o2000;

/** The permission bits of folders beside files of a mode: who may read may look in. */
export function folderModeOf(mode: number): number {
  return mode | ((mode & 0o444) >> 2);
}

/** The rights a file has; undefined where there is none, and on Windows. */
export function rightsOf(path: string): Rights | undefined {
  if (process.getuid === undefined) return undefined;
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  return stat && { uid: stat.uid, gid: stat.gid, mode: (stat.mode & 0o666) | modeDefault };
}

/** Gives what has just been made these rights, as far as the system lets it be: see `checkGiving`. A mode of undefined stays. */
export function give(fd: number, { uid, gid, mode }: Omit<Rights, 'mode'> & { readonly mode: number | undefined }): void {
  const stat = fs.fstatSync(fd);
  if (mode !== undefined && (stat.mode & 0o777) !== mode) fs.fchmodSync(fd, mode);
  if (stat.uid === uid && stat.gid === gid) return;
  if (!isAllowed(() => fs.fchownSync(fd, uid, gid)) && stat.gid !== gid) isAllowed(() => fs.fchownSync(fd, stat.uid, gid));
}

/**
 * Throws IO when what this process makes in a store could not be used by those who use it. `like` is the open file whose rights are to
 * be taken, `folder` the store's.
 */
export function checkGiving(like: { readonly fd: number; readonly path: string }, folder: string): void {
  if (process.geteuid === undefined) return;
  const { uid, gid, mode } = fs.fstatSync(like.fd);
  const user = process.geteuid();
  // To be allowed to give it to whom it belongs already is to be allowed to give files away.
  if ((user === uid && isGroupOurs(gid, folder)) || isAllowed(() => fs.fchownSync(like.fd, uid, gid))) return;
  const forAll = (mode & otherBits) === otherBits;
  const forGroup = (mode & groupBits) === groupBits && isGroupOurs(gid, folder);
  const isShared = (mode & groupBits) !== 0;
  if (forAll || (user === uid ? !isShared : forGroup)) return;
  throw new StoreError(
    'IO',
    `${folder} belongs to user ${uid}, group ${gid} (mode ${(mode & 0o777).toString(8)}), and user ${user} may not give files away: what it made there ` +
      'would shut them out. Run it as that user, or open the store with readOnly',
    { cause: systemError('EPERM', `chown ${like.path}`) },
  );
}

/** Does a new file of this process get the group, or can it be given it? */
function isGroupOurs(gid: number, folder: string): boolean {
  if (process.getegid!() === gid || process.getgroups!().includes(gid)) return true;
  const stat = fs.statSync(folder);
  return stat.gid === gid && (stat.mode & takesGroup) !== 0;
}

/** Who else than its owner may put files into a folder where only `mode` may write: `everybody`, `its group`; undefined when nobody. */
export function strangersIn(folder: string, mode: number): string | undefined {
  const stat = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (process.getuid === undefined || stat === undefined || (stat.mode & sticky) !== 0) return undefined;
  if ((stat.mode & 0o002) !== 0) return 'everybody';
  return (stat.mode & 0o020) !== 0 && (mode & 0o020) === 0 ? 'its group' : undefined;
}

function isAllowed(change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    // EINVAL: a user this system does not know by number (a container's). The others: file systems without owners.
    if (['EPERM', 'EINVAL', 'EROFS', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
