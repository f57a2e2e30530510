import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bytesOnDisk, memory, timedAsync } from '../../measure.ts';
import { recordEntries } from '../../record.ts';
import type { Scene, Trial } from '../../trial.ts';

const budgetBytes = 16 << 20;

/**
 * A store half of which is garbage, as fine-grained as it can be: every other record is deleted again. The clock runs over
 * `vacuum`; beside it `cp -r` copies the store it leaves, which is its live bytes and the index. `above budget` (V2): what the process
 * held at most, less what it held before it opened the store, and less the budget; `idle` only loads the module.
 */
export const trial: Trial = {
  id: 'V1',
  title: 'vacuum of a store that is half garbage, against cp of its live bytes',
  data: 'half garbage',
  subjects: ['lodemap', 'lodemap:idle'],
  units: { 'of cp': 'times', 'above budget': 'size', vacuum: 'time', cp: 'time', before: 'size', after: 'size', VmHWM: 'size', budget: 'size' },
  goals: [
    { figure: 'of cp', rule: 'at least', must: 0.2, aim: 0.5 },
    { figure: 'above budget', rule: 'at most', must: 60 << 20 },
  ],
  scratch: true,
  prepare: prepareHalfGarbage,
  async run(scene) {
    if (scene.variant === 'idle') return { figures: { VmHWM: memory().highWater } };
    const idle = memory().highWater;
    const before = bytesOnDisk(scene.folder);
    const store = await scene.open({ cacheBytes: 4 << 20 });
    const vacuum = await timedAsync(() => store.vacuum!({ budgetBytes }));
    const { highWater } = memory();
    const kept = store.get(scene.key(0)) !== undefined && store.get(scene.key(1)) === undefined;
    await store.close();
    if (!kept) throw new Error('The vacuumed store holds other records than before');
    const after = bytesOnDisk(scene.folder);
    const target = await mkdtemp(join(tmpdir(), 'lodemap-cp-'));
    const copy = await timedAsync(() => promisify(execFile)('cp', ['-r', scene.folder, join(target, 'copy')]));
    await rm(target, { recursive: true });
    const above = highWater - idle - budgetBytes;
    return { figures: { 'of cp': copy / vacuum, 'above budget': above, vacuum, cp: copy, before, after, VmHWM: highWater, budget: budgetBytes } };
  },
};

async function prepareHalfGarbage(scene: Scene): Promise<void> {
  const store = await scene.open();
  await store.load(recordEntries(scene));
  await store.remove!(Array.from({ length: scene.sizes.records >> 1 }, (_, i) => scene.key(2 * i + 1)));
  await store.close();
}
