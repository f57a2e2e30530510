import { readlinkSync } from 'node:fs';

/** Places in a lock file that stand for a process id in a pid namespace, far behind all others. */
const firstPlace = 2 ** 51;
const placesPerId = 2 ** 28;
/** Linux has no more; elsewhere there are no namespaces to be told apart. */
const idsMax = 2 ** 22;

/** Where a process's place lies, and the stretch of places of all processes of its id. */
export interface ProcessPlaces {
  readonly own: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The places of this process. Two of one process id are in different containers, each with a pid namespace of its own; the kernel
 * numbers those, within 28 bits. Where it does not tell, all namespaces count as one.
 */
export function processPlaces(): ProcessPlaces {
  const start = firstPlace + (process.pid % idsMax) * placesPerId;
  return { own: start + (namespaceNumber() % placesPerId), start, end: start + placesPerId };
}

function namespaceNumber(): number {
  try {
    return Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 0);
  } catch {
    return 0;
  }
}
