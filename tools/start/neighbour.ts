/** The second process of the main job: opens the store it is told, reads places, adds to the counter, says what it did. */
import { open } from '../../src/index.ts';
import { follow } from '../terminal/store.ts';
import type { LodeMap } from '../../src/index.ts';
import type { Place } from './places.ts';

/** What this process is asked to do. */
interface Task {
  readonly path: string;
  readonly rounds: number;
  readonly places: readonly Place[];
}

/** What it says when it is done; `same` means that every value read was the one expected. */
export interface Deed {
  readonly openMs: number;
  readonly readMs: number;
  readonly writeMs: number;
  readonly reads: number;
  readonly same: boolean;
  readonly residentBytes: number;
}

process.once('message', (task: Task) => void work(task));

async function work({ path, rounds, places }: Task): Promise<void> {
  const opening = performance.now();
  const map = await open(path);
  const opened = performance.now();
  let same = readAll(map, places);
  const read = performance.now();
  let reads = places.length;
  process.send!('ready');
  for (let i = 0; i < rounds; i++) {
    map.update('counter', (n) => (n as number) + 1);
    if (i % 10 !== 0) continue;
    same = readAll(map, places) && same;
    reads += places.length;
    await new Promise(setImmediate);
  }
  const wrote = performance.now();
  await map.close();
  const deed: Deed = { openMs: opened - opening, readMs: read - opened, writeMs: wrote - read, reads, same, residentBytes: process.memoryUsage.rss() };
  process.send!(deed, () => process.disconnect());
}

function readAll(map: LodeMap, places: readonly Place[]): boolean {
  return places.every(({ key, path, text }) => (JSON.stringify(follow(map, key, path)) ?? 'undefined') === text);
}
