import { setImmediate as turn } from 'node:timers/promises';
import { keyOf, ttl, zipfIndexes } from '../../cache-work.ts';
import type { Trial } from '../../trial.ts';

/** lru-cache is an exact LRU. Misses rather than hits, so that less is better. */
export const trial: Trial = {
  id: 'C4',
  title: 'a cache: misses of a cache of a tenth of the keys, on a Zipf distribution',
  data: 'nothing',
  subjects: ['lodemap', 'lru-cache'],
  units: { misses: 'times' },
  goals: [{ figure: 'misses', peer: 'lru-cache', rule: 'at most', must: 1.03, aim: 1.01 }],
  scratch: true,
  async prepare() {},
  async run({ openCache, sizes }) {
    const keys = Math.ceil(sizes.records / 10);
    const store = await openCache({ ttl, maxEntries: Math.ceil(keys / 10) });
    const indexes = zipfIndexes(keys * 5, keys, sizes.seed);
    let misses = 0;
    for (const [i, index] of indexes.entries()) {
      if (store.get(keyOf(index)) === undefined) {
        misses++;
        void store.set(keyOf(index), index);
      }
      if (i % 64 === 0) await turn();
    }
    await store.close();
    return { figures: { misses: misses / indexes.length } };
  },
};
