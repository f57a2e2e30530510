import type { LodeMap } from '../map/lode-map.ts';

/** Gives the space of what has gone back to the disk. Throws LOCKED when somebody is at it. */
export async function vacuumMap(map: LodeMap, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await map.flush();
}
