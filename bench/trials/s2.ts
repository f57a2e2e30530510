import { join } from 'node:path';
import { bytesOnDisk } from '../measure.ts';
import { Random } from '../random.ts';
import type { Scene, Trial } from '../trial.ts';

/**
 * Ten processes start together; each commits its own hundred keys, one by one, with one and the same string. The same is
 * done with a string a hundredth as long: keys, rows and writers cost the same there, so the difference between the two is
 * what the copies cost. The figure is that difference over what one copy of each would make.
 */
export const trial: Trial = {
  id: 'S2',
  title: 'copies kept of one 100 KB string under 1,000 keys, written by 10 processes',
  data: 'nothing',
  subjects: ['lodemap'],
  units: { copies: 'times', segments: 'size', store: 'size' },
  goals: [{ figure: 'copies', rule: 'at most', must: 1.05 }],
  scratch: true,
  async prepare() {},
  async run(scene) {
    const { processes, sharedBytes } = scene.sizes;
    const short = sharedBytes / 100;
    await scene.spawnWorkers(processes, short);
    await scene.spawnWorkers(processes, sharedBytes);
    await prove(scene, sharedBytes);
    const segments = bytesOnDisk(join(folderOf(scene, sharedBytes), 'segments'));
    const extra = segments - bytesOnDisk(join(folderOf(scene, short), 'segments'));
    const figures = { copies: extra / (sharedBytes - short), segments, store: bytesOnDisk(folderOf(scene, sharedBytes)) };
    return { figures };
  },
  async work(scene) {
    const store = await scene.driver.open(folderOf(scene, scene.argument), {});
    const value = new Random(scene.sizes.seed).word(scene.argument);
    const first = scene.worker * scene.sizes.sharedKeys;
    for (let i = 0; i < scene.sizes.sharedKeys; i++) await store.commit(scene.key(first + i), value);
    await store.close();
  },
};

const folderOf = (scene: Scene, bytes: number): string => join(scene.folder, String(bytes));

/** Every key of every process must be there and whole, or the figure means nothing. */
async function prove(scene: Scene, bytes: number): Promise<void> {
  const store = await scene.driver.open(folderOf(scene, bytes), {});
  const value = new Random(scene.sizes.seed).word(bytes);
  for (let i = 0; i < scene.sizes.processes * scene.sizes.sharedKeys; i++) {
    if (store.get(scene.key(i)) !== value) throw new Error(`Key ${i} does not hold the string`);
  }
  await store.close();
}
