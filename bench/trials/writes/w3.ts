import { timedAsync } from '../../measure.ts';
import { Random } from '../../random.ts';
import type { Trial } from '../../trial.ts';

/** The first transactions, which run code that is not compiled yet, are shown on their own too. */
const coldPart = 5;

/** Transactions of many pushes, item by item; the clock stops when all are on disk. The peer puts rows with ascending keys. */
export const trial: Trial = {
  id: 'W3',
  title: 'push to a list of 1,000,000, batched in a transaction',
  data: 'list',
  subjects: ['lodemap', 'lmdb'],
  units: { push: 'time', 'push, first fifth': 'time' },
  goals: [{ figure: 'push', peer: 'lmdb', rule: 'at least', must: 1, aim: 3 }],
  scratch: true,
  async prepare(scene) {
    const random = new Random(scene.sizes.seed);
    const store = await scene.open();
    await store.startList?.(Array.from({ length: scene.sizes.listItems }, () => random.below(1_000_000_000)));
    await store.close();
  },
  async run(scene) {
    const { batches, batchItems, seed } = scene.sizes;
    const random = new Random(seed + 3);
    const rows = Array.from({ length: batches }, () => Array.from({ length: batchItems }, () => random.below(1_000_000_000)));
    const store = await scene.open();
    const pushed = async (from: number, to: number): Promise<number> => {
      const nanoseconds = await timedAsync(async () => {
        for (const items of rows.slice(from, to)) store.push?.(items);
        await store.flush?.();
      });
      return nanoseconds;
    };
    const part = Math.ceil(batches / coldPart);
    const cold = await pushed(0, part);
    const warm = await pushed(part, batches);
    const check = store.listLength?.() ?? 0;
    await store.close();
    const figures = { push: (cold + warm) / (batches * batchItems), 'push, first fifth': cold / (part * batchItems) };
    return { figures, check };
  },
};
