import { memory } from '../../measure.ts';
import { Random } from '../../random.ts';
import { prepareRecords } from '../../record.ts';
import { shareOf } from '../reads/r2.ts';
import type { BenchRecord } from '../../record.ts';
import type { Trial } from '../../trial.ts';

/** Nothing is subtracted but the cache: the engine of JavaScript itself, shown by `idle`, counts too. */
export const trial: Trial = {
  id: 'M1',
  title: 'resident memory, random reads over a store 10 times cacheBytes',
  data: 'records',
  subjects: ['lodemap', 'lodemap:idle', 'lmdb'],
  units: { 'above cache': 'size', cache: 'size', VmHWM: 'size', maxRSS: 'size', RssAnon: 'size', RssFile: 'size' },
  goals: [{ figure: 'above cache', rule: 'at most', must: 80 << 20, aim: 40 << 20 }],
  prepare: prepareRecords,
  async run(scene) {
    const cache = scene.variant === 'idle' ? 0 : shareOf(scene, 10);
    if (scene.variant !== 'idle') {
      const store = await scene.open({ cacheBytes: cache });
      const random = new Random(scene.sizes.seed);
      for (let i = 0; i < 2 * scene.sizes.reads; i++) {
        const record = store.get(scene.key(random.below(scene.sizes.records))) as BenchRecord;
        if (!(record.score >= 0)) throw new Error('A record without a score');
      }
      await store.close();
    }
    const { highWater, maxRss, anonymous, files } = memory();
    return {
      figures: { 'above cache': highWater - cache, cache, VmHWM: highWater, maxRSS: maxRss, RssAnon: anonymous, RssFile: files },
    };
  },
};
