import { prepareRecords } from '../../record.ts';
import { readScores } from './r2.ts';
import type { Trial } from '../../trial.ts';

/** Warm: every key has been read once before the clock starts, and the cache holds all data. `pickMany` reads all the scores with one call. */
export const trial: Trial = {
  id: 'R1',
  title: 'warm random map.get(k).score',
  data: 'records',
  subjects: ['lodemap', 'lodemap:pickMany', 'memory', 'lmdb', 'lmdb:shared', 'level'],
  units: { read: 'time' },
  goals: [
    { figure: 'read', peer: 'memory', rule: 'at least', must: 0.5, aim: 1 },
    { figure: 'read', subject: 'lodemap:pickMany', peer: 'memory', rule: 'at least', must: 0.8, aim: 0.9 },
  ],
  prepare: prepareRecords,
  async run(scene) {
    const store = await scene.open({ cacheBytes: Math.max(64 << 20, scene.sizes.records * 500) });
    for (let i = 0; i < scene.sizes.records; i++) store.get(scene.key(i));
    readScores(scene, store);
    const outcome = readScores(scene, store);
    await store.close();
    return outcome;
  },
};
