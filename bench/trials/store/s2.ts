import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOnDisk } from '../../measure.ts';
import { Random } from '../../random.ts';
import type { Scene, Trial } from '../../trial.ts';

const probes = 50;
const probeBytes = 64;

/**
 * Ten processes start together; each commits its own hundred keys, one by one, with one and the same string. Copies are
 * counted, not computed: how often 50 samples of the string are found in the segments, on average. What else the log
 * holds is a cost of keys and commits; it is shown for each key.
 */
export const trial: Trial = {
  id: 'S2',
  title: 'copies kept of one 100 KB string under 1,000 keys, written by 10 processes',
  data: 'nothing',
  subjects: ['lodemap'],
  units: { copies: 'times', 'rest of a key': 'size', segments: 'size', store: 'size' },
  goals: [{ figure: 'copies', rule: 'at most', must: 1.05 }],
  scratch: true,
  async prepare() {},
  async run(scene) {
    const { processes, sharedKeys, sharedBytes } = scene.sizes;
    await scene.spawnWorkers(processes);
    await prove(scene);
    const folder = join(scene.folder, 'segments');
    const copies = countCopies(folder, sharedString(scene));
    const segments = bytesOnDisk(folder);
    const rest = (segments - copies * sharedBytes) / (processes * sharedKeys);
    return { figures: { copies, 'rest of a key': rest, segments, store: bytesOnDisk(scene.folder) } };
  },
  async work(scene) {
    const store = await scene.open();
    const value = sharedString(scene);
    const first = scene.worker * scene.sizes.sharedKeys;
    for (let i = 0; i < scene.sizes.sharedKeys; i++) await store.commit(scene.key(first + i), value);
    await store.close();
  },
};

const sharedString = (scene: Scene): string => new Random(scene.sizes.seed).word(scene.sizes.sharedBytes);

/** Every key of every process must be there and whole, or the figure means nothing. */
async function prove(scene: Scene): Promise<void> {
  const store = await scene.open();
  const value = sharedString(scene);
  for (let i = 0; i < scene.sizes.processes * scene.sizes.sharedKeys; i++) {
    if (store.get(scene.key(i)) !== value) throw new Error(`Key ${i} does not hold the string`);
  }
  await store.close();
}

function countCopies(folder: string, value: string): number {
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  let found = 0;
  let times = 0;
  for (let i = 0; i < probes; i++) {
    const start = Math.floor((i * value.length) / probes);
    const sample = value.slice(start, start + probeBytes);
    const count = files.reduce((sum, file) => sum + occurrences(file, sample), 0);
    // A sample that straddles two pieces of the string is found nowhere and says nothing.
    if (count > 0) found += 1;
    times += count;
  }
  if (found < probes / 2) throw new Error('The string is not in the segments as it is: copies cannot be counted');
  return times / found;
}

function occurrences(file: Buffer, sample: string): number {
  let count = 0;
  for (let at = file.indexOf(sample); at >= 0; at = file.indexOf(sample, at + 1)) count += 1;
  return count;
}
