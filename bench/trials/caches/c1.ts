import { fill, keyOf, look, recordsOf, repeat, ttl } from '../../cache-work.ts';
import { randomIndexes } from '../../random.ts';
import type { Trial } from '../../trial.ts';

/** Warm: every entry has been read before. `scalar` is a string of JSON instead of a record. Steps take turns with the event loop. */
export const trial: Trial = {
  id: 'C1',
  title: 'a cache: get of a record and one field, of a string, of what is not there; set of a record',
  data: 'nothing',
  subjects: ['lodemap', 'lmdb', 'keyv-file', 'cacache', 'lru-cache'],
  units: { hit: 'time', scalar: 'time', miss: 'time', set: 'time' },
  goals: [
    ...(['hit', 'scalar', 'miss'] as const).flatMap((figure) => [
      { figure, peer: 'lmdb', rule: 'at least', must: 1 } as const,
      { figure, peer: 'keyv-file', rule: 'at least', must: 1 } as const,
      { figure, peer: 'cacache', rule: 'at least', must: 1 } as const,
    ]),
    { figure: 'hit', peer: 'lru-cache', rule: 'at least', must: 0, aim: 0.3 },
    { figure: 'scalar', peer: 'lru-cache', rule: 'at least', must: 0, aim: 0.3 },
    { figure: 'set', peer: 'lmdb', rule: 'at least', must: 0, aim: 1 },
  ],
  scratch: true,
  async prepare() {},
  async run(scene) {
    const count = Math.ceil(scene.sizes.records / 20);
    const ms = Math.min(2000, scene.sizes.reads / 200);
    const records = recordsOf(scene.sizes, count);
    const texts = records.map((record) => JSON.stringify(record));
    const store = await scene.openCache({ ttl });
    const indexes = randomIndexes(65_536, count, scene.sizes.seed);
    const at = (i: number): number => indexes[i % indexes.length]!;
    const entries = records.map((record) => [keyOf(record.id), record] as const);
    await fill(store, entries.slice(0, count / 2));
    const set = await repeat(ms, (i) => store.set(keyOf(at(i)), records[at(i)]));
    await fill(store, entries);
    await fill(store, texts.map((text, id) => [`text:${id}`, text] as const));
    for (let i = 0; i < count; i++) {
      if ((await look(store, records[i]!)) !== true || (await store.get(`text:${i}`)) !== texts[i]) throw new Error(`${i} is not there`);
    }
    const hit = await repeat(ms, (i) => look(store, records[at(i)]!));
    const scalar = await repeat(ms, (i) => store.get(`text:${at(i)}`));
    const miss = await repeat(ms, (i) => store.get(`none:${i}`));
    await store.close();
    return { figures: { hit, scalar, miss, set } };
  },
};
