import { timedAsync } from '../../measure.ts';
import { recordEntries } from '../../record.ts';
import type { Trial } from '../../trial.ts';

/** Records are made before the clock starts; it stops when the last one is on disk. */
export const trial: Trial = {
  id: 'W1',
  title: 'bulk load (setMany), durable at the end',
  data: 'nothing',
  subjects: ['lodemap', 'lmdb', 'lmdb:shared', 'level'],
  units: { record: 'time' },
  goals: [{ figure: 'record', peer: 'lmdb', rule: 'at least', must: 1, aim: 2 }],
  scratch: true,
  async prepare() {},
  async run(scene) {
    const entries = [...recordEntries(scene)];
    const store = await scene.open();
    const nanoseconds = await timedAsync(() => store.load(entries));
    const last = entries.length - 1;
    const check = JSON.stringify(store.get(scene.key(last)));
    await store.close();
    return { figures: { record: nanoseconds / entries.length }, check };
  },
};
