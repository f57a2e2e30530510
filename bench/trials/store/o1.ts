import { timedAsync } from '../../measure.ts';
import { Random } from '../../random.ts';
import type { Key, Store } from '../../driver.ts';
import type { Scene, Trial } from '../../trial.ts';

/** A store of big binary values (500 MB; 5 GB with --long) against an empty one, opened by a fresh process. */
export const trial: Trial = {
  id: 'O1',
  title: 'open a store of 500 MB (--long: 5 GB)',
  data: 'binaries',
  subjects: ['lodemap', 'lodemap:empty', 'lmdb', 'lmdb:empty'],
  units: { open: 'time', 'open, get, close': 'time' },
  goals: [{ figure: 'open', peer: 'lodemap:empty', rule: 'at most', must: 3, aim: 1.5 }],
  repeat: 3,
  async prepare(scene) {
    const store = await scene.open();
    await store.load(scene.variant === 'empty' ? [] : binaries(scene));
    await store.close();
  },
  async run(scene) {
    let store: Store | undefined;
    let open = 0;
    const all = await timedAsync(async () => {
      open = await timedAsync(async () => {
        store = await scene.open();
      });
      store?.get(scene.key(0));
      await store?.close();
    });
    return { figures: { open, 'open, get, close': all } };
  },
};

function* binaries(scene: Scene): Generator<[Key, Uint8Array]> {
  const random = new Random(scene.sizes.seed);
  for (let i = 0; i < scene.sizes.binaries; i++) yield [scene.key(i), random.bytes(scene.sizes.binaryBytes)];
}
