/** What the system allows a process: the limits of its control groups, else the machine's memory. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** A limit above this is none (version 1 of control groups says 2^63 rounded down to pages). */
const noLimit = 2 ** 60;

/** Bytes this process may occupy: the least limit of its control group and those above it, or the machine's memory. */
export function memoryLimit(): number {
  let limit = totalmem();
  for (const line of readLines('/proc/self/cgroup')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === '') limit = Math.min(limit, leastOf('/sys/fs/cgroup', path, 'memory.max'));
    else if (controllers.split(',').includes('memory')) limit = Math.min(limit, leastOf('/sys/fs/cgroup/memory', path, 'memory.limit_in_bytes'));
  }
  return limit;
}

/** The least limit from a group up to the root. A container sees its own group as the root, whatever the path says. */
function leastOf(root: string, path: string, file: string): number {
  let least = limitIn(`${root}/${file}`);
  for (let at = path; at.length > 1; at = at.slice(0, at.lastIndexOf('/'))) least = Math.min(least, limitIn(`${root}${at}/${file}`));
  return least;
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
