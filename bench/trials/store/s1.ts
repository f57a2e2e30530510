import { bytesOnDisk } from '../../measure.ts';
import { prepareRecords } from '../../record.ts';
import type { Trial } from '../../trial.ts';

/** All files of the closed store, as allocated on disk. */
export const trial: Trial = {
  id: 'S1',
  title: 'bytes on disk for the records',
  data: 'records',
  subjects: ['lodemap', 'lmdb', 'lmdb:shared', 'level', 'jsonl'],
  units: { record: 'size', store: 'size' },
  goals: [{ figure: 'record', peer: 'lmdb', rule: 'at most', must: 0.6, aim: 0.35 }],
  prepare: prepareRecords,
  async run(scene) {
    const store = bytesOnDisk(scene.folder);
    return { figures: { record: store / scene.sizes.records, store } };
  },
};
