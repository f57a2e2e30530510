import { bytesOnDisk, timed } from '../../measure.ts';
import { randomIndexes } from '../../random.ts';
import { prepareRecords } from '../../record.ts';
import type { Store } from '../../driver.ts';
import type { BenchRecord } from '../../record.ts';
import type { Outcome, Scene, Trial } from '../../trial.ts';

/** One pass of random reads in a fresh process, compilation by V8 included; the cache holds 1 % of the bytes on disk. `pick` reads the field and nothing else. */
export const trial: Trial = {
  id: 'R2',
  title: 'random map.get(k).score, cache 1 % of the data, fresh process',
  data: 'records',
  subjects: ['lodemap', 'lodemap:pick', 'lmdb', 'lmdb:shared', 'level'],
  units: { read: 'time' },
  goals: [
    { figure: 'read', peer: 'lmdb', rule: 'at least', must: 1.5, aim: 3 },
    { figure: 'read', subject: 'lodemap:pick', peer: 'lmdb', rule: 'at least', must: 1.5, aim: 2 },
  ],
  prepare: prepareRecords,
  async run(scene) {
    const store = await scene.open({ cacheBytes: shareOf(scene, 100) });
    const outcome = readScores(scene, store);
    await store.close();
    return outcome;
  },
};

/** The bytes on disk divided by `parts`, or the smallest cache that `open` allows. */
export function shareOf(scene: Scene, parts: number): number {
  return Math.max(65_536, Math.ceil(bytesOnDisk(scene.folder) / parts));
}

/** Reads the score of random records; keys are made before the clock starts. */
export function readScores(scene: Scene, store: Store): Outcome {
  const { reads, records, seed } = scene.sizes;
  const keys = Array.from(randomIndexes(reads, records, seed + 1), (index) => scene.key(index));
  let sum = 0;
  const nanoseconds = timed(() => {
    if (scene.variant === 'pickMany') for (const score of store.pickMany!(keys, 'score')) sum += score as number;
    else if (scene.variant === 'pick') for (const key of keys) sum += store.pick!(key, 'score') as number;
    else for (const key of keys) sum += (store.get(key) as BenchRecord).score;
  });
  return { figures: { read: nanoseconds / reads }, check: Math.round(sum) };
}
