/**
 * What the system allows a process, and what of that is used: its control groups, else the machine.
 *
 * A group has a hard limit (`memory.max`), beyond which a process of it is killed, and a soft one (`memory.high`), beyond which all of them are
 * slowed; both count. Used is what cannot be given back: pages of files that the system keeps to be fast are left out, and so are pages
 * of mapped files of a process. Linux; elsewhere the machine's memory is the limit, and resident memory is used.
 */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** A limit above this is none (version 1 of control groups says 2^63 rounded down to pages). */
const noLimit = 2 ** 60;

/** Where the system tells of itself; another folder in tests. */
export interface SystemFiles {
  readonly proc: string;
  readonly groups: string;
}

const systemFiles: SystemFiles = { proc: '/proc/self', groups: '/sys/fs/cgroup' };

/** The memory that all processes of a control group together may and do use, in bytes. */
export interface GroupMemory {
  readonly used: number;
  readonly limit: number;
}

/** Names of a version's files, and of what of `memory.stat` can be given back. */
interface Version {
  readonly root: string;
  readonly limits: readonly string[];
  readonly used: string;
  readonly files: readonly string[];
  readonly shared: readonly string[];
}

/** Bytes this process may occupy: the least limit of its control group and those above it, or the machine's memory. */
export function memoryLimit(files: SystemFiles = systemFiles): number {
  return Math.min(totalmem(), ...memoryGroups(files).map(({ limit }) => limit));
}

/** The control groups of this process that have a limit. */
export function memoryGroups({ proc, groups }: SystemFiles = systemFiles): GroupMemory[] {
  const found: GroupMemory[] = [];
  for (const line of readLines(`${proc}/cgroup`)) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === '') found.push(...groupsOn(path, { root: groups, limits: ['memory.max', 'memory.high'], used: 'memory.current', files: ['file'], shared: ['shmem'] }));
    else if (controllers.split(',').includes('memory')) {
      found.push(...groupsOn(path, { root: `${groups}/memory`, limits: ['memory.limit_in_bytes', 'memory.soft_limit_in_bytes'], used: 'memory.usage_in_bytes', files: ['total_cache', 'cache'], shared: ['total_shmem', 'shmem'] }));
    }
  }
  return found;
}

/** Groups from the root down to `path`. A container sees its own group as the root, whatever the path says. */
function groupsOn(path: string, version: Version): GroupMemory[] {
  const found: GroupMemory[] = [];
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const folder = `${version.root}${at.length > 1 ? at : ''}`;
    const limit = Math.min(...version.limits.map((file) => limitIn(`${folder}/${file}`)));
    if (limit < Infinity) found.push({ limit, used: usedIn(folder, version) });
    if (at.length <= 1) return found;
  }
}

function usedIn(folder: string, { used, files, shared }: Version): number {
  const stat = new Map(readLines(`${folder}/memory.stat`).map((line) => line.split(' ') as [string, string]));
  const first = (names: readonly string[]): number => Number(stat.get(names.find((name) => stat.has(name)) ?? '') ?? 0);
  // Pages of shared memory and of files in memory count among those of files, and cannot be given back.
  return Math.max(0, Number(readLines(`${folder}/${used}`)[0] ?? 0) - Math.max(0, first(files) - first(shared)));
}

/** Bytes of this process that are its own: without pages of mapped files, which the system takes back as it likes. */
export function ownMemory({ proc }: SystemFiles = systemFiles): number | undefined {
  const status = readLines(`${proc}/status`).join('\n');
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN);
  const bytes = 1024 * (kibibytes('RssAnon') + kibibytes('RssShmem'));
  return Number.isNaN(bytes) ? undefined : bytes;
}

function limitIn(file: string): number {
  const [text = ''] = readLines(file);
  const value = Number(text);
  return text === '' || !(value > 0 && value < noLimit) ? Infinity : value;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'latin1').trim().split('\n');
  } catch {
    return [];
  }
}
