import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyOf, look, recordsOf, repeat, ttl, zipfIndexes } from '../../cache-work.ts';
import type { Scene, Trial } from '../../trial.ts';

/** Nine gets of ten and one set, over keys of a Zipf distribution; what is missing is set. By one process, and by four at once. */
export const trial: Trial = {
  id: 'C2',
  title: 'a cache: 90 % gets, 10 % sets on a Zipf distribution, by one process and by four',
  data: 'nothing',
  subjects: ['lodemap', 'lmdb', 'keyv-file', 'cacache', 'lru-cache'],
  units: { '1 process': 'time', '4 processes': 'time' },
  goals: [
    ...(['lmdb', 'keyv-file', 'cacache'] as const).map((peer) => ({ figure: '1 process', peer, rule: 'at least', must: 1 }) as const),
    ...(['lmdb', 'cacache'] as const).map((peer) => ({ figure: '4 processes', peer, rule: 'at least', must: 1 }) as const),
  ],
  scratch: true,
  async prepare() {},
  async run(scene) {
    const alone = await mixed(scene, 0);
    // Whoever keeps all in the memory of one process has nothing to share.
    const isShared = !/keyv|lru/.test(scene.driverName);
    if (!isShared) return { figures: { '1 process': alone } };
    await scene.spawnWorkers(4);
    const steps = readdirSync(scene.folder).filter((name) => name.startsWith('steps-'));
    const total = steps.reduce((sum, name) => sum + Number(readFileSync(join(scene.folder, name), 'utf8')), 0);
    return { figures: { '1 process': alone, '4 processes': total / steps.length } };
  },
  async work(scene) {
    writeFileSync(join(scene.folder, `steps-${scene.worker}`), String(await mixed(scene, scene.worker + 1)));
  },
};

async function mixed(scene: Scene, seed: number): Promise<number> {
  const count = Math.ceil(scene.sizes.records / 10);
  const records = recordsOf(scene.sizes, count);
  const indexes = zipfIndexes(65_536, count, scene.sizes.seed + seed);
  const store = await scene.openCache({ ttl });
  const step = (i: number): unknown => {
    const record = records[indexes[i % indexes.length]!]!;
    if (i % 10 === 9) return store.set(keyOf(record.id), record);
    const found = look(store, record);
    if (found instanceof Promise) return found.then((isThere) => (isThere ? undefined : store.set(keyOf(record.id), record)));
    return found === true ? undefined : store.set(keyOf(record.id), record);
  };
  const ms = Math.min(2000, scene.sizes.reads / 200);
  const result = await repeat(ms, step);
  await store.close();
  return result;
}
