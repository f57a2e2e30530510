import type { LodeMap } from '../map/lode-map.ts';

/** Segments that are less live than this are written anew: more of them than a map would, since a cache is mostly near its bound. */
const sparseBelow = 0.9;
const budgetBytes = 16 * 1024 * 1024;

/**
 * Gives the space of what has gone back to the disk. Returns what the log would take without anything dead. Throws LOCKED while
 * another process does, ABORTED, IO.
 */
export async function vacuumMap(map: LodeMap, signal: AbortSignal): Promise<number> {
  const { logBytesLive } = await map.vacuum({ sparseBelow, budgetBytes, signal });
  return logBytesLive;
}
