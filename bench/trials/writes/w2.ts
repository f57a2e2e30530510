import { median, timedAsync } from '../../measure.ts';
import { Random } from '../../random.ts';
import { makeRecord } from '../../record.ts';
import type { Trial } from '../../trial.ts';

/** One after the other: a commit starts when the one before it is on disk. The figure is the median of a run. */
export const trial: Trial = {
  id: 'W2',
  title: 'one durable commit of one entry',
  data: 'nothing',
  subjects: ['lodemap', 'lmdb', 'level'],
  units: { commit: 'time', '99th percentile': 'time' },
  goals: [{ figure: 'commit', peer: 'lmdb', rule: 'at least', must: 0.7, aim: 1 }],
  scratch: true,
  repeat: 3,
  async prepare() {},
  async run(scene) {
    const { commits, records, seed } = scene.sizes;
    const random = new Random(seed);
    const store = await scene.open();
    const times: number[] = [];
    for (let i = 0; i < commits; i++) {
      const id = random.below(records);
      const record = makeRecord(id, random);
      times.push(await timedAsync(() => store.commit(scene.key(id), record)));
    }
    await store.close();
    const slow = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0;
    return { figures: { commit: median(times), '99th percentile': slow } };
  },
};
