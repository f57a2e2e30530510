import { fill, keyOf } from '../../cache-work.ts';
import { bytesOnDisk } from '../../measure.ts';
import { Random } from '../../random.ts';
import type { Trial } from '../../trial.ts';

const valueBytes = 1000;

/** A day in small: each entry is set ten times over, with texts that nothing shrinks. Then the store is closed and weighed, for each live entry. */
export const trial: Trial = {
  id: 'C3',
  title: 'a cache: bytes on disk for each of 1,000 bytes that are live, after each was set ten times over',
  data: 'nothing',
  subjects: ['lodemap', 'lmdb', 'keyv-file', 'cacache'],
  units: { entry: 'size' },
  goals: [{ figure: 'entry', peer: 'lmdb', rule: 'at most', must: 1.5, aim: 1 }],
  scratch: true,
  async prepare() {},
  async run(scene) {
    const count = Math.ceil(scene.sizes.records / 100);
    const random = new Random(scene.sizes.seed);
    const store = await scene.openCache({ ttl: 3_600_000, maxBytes: Math.max(1 << 20, count * valueBytes * 2.5) });
    for (let round = 0; round < 10; round++) {
      await fill(store, Array.from({ length: count }, (_, i) => [keyOf(i), random.word(valueBytes)] as const));
    }
    let live = 0;
    for (let i = 0; i < count; i++) if ((await store.get(keyOf(i))) !== undefined) live++;
    await store.close();
    return { figures: { entry: bytesOnDisk(scene.folder) / live } };
  },
};
