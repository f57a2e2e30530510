import { timed } from '../../measure.ts';
import { Random } from '../../random.ts';
import { makeDocument } from '../../record.ts';
import type { Key } from '../../driver.ts';
import type { Scene, Trial } from '../../trial.ts';

/**
 * Every leaf of every document, once, in a fresh process. Both sides read their files and then walk with the same
 * function; `parse` walks nothing and is what `JSON.parse` alone costs. `materialize` makes plain values first;
 * `plain` asks for plain values.
 */
export const trial: Trial = {
  id: 'R6',
  title: 'full walk of every leaf of 90,000 nested documents',
  data: 'documents',
  subjects: ['lodemap', 'jsonl', 'jsonl:parse', 'lodemap:materialize', 'lodemap:plain'],
  units: { document: 'time' },
  goals: [
    { figure: 'document', peer: 'jsonl', rule: 'at least', must: 1, aim: 3 },
    { figure: 'document', subject: 'lodemap:plain', peer: 'jsonl', rule: 'at least', must: 1, aim: 1.3 },
  ],
  async prepare(scene) {
    const store = await scene.open();
    await store.load(documents(scene));
    await store.close();
  },
  async run(scene) {
    const store = await scene.open();
    const plain = scene.variant === 'materialize' ? await loadMaterialize() : (value: unknown): unknown => value;
    let sum = 0;
    const nanoseconds = timed(() => {
      if (scene.variant === 'parse') for (const document of store.values()) sum += Number(document === null);
      else if (scene.variant === 'plain') for (const document of store.plainValues!()) sum += walk(document);
      else for (const document of store.values()) sum += walk(plain(document));
    });
    await store.close();
    const figures = { document: nanoseconds / scene.sizes.documents };
    return scene.variant === 'parse' ? { figures } : { figures, check: Math.round(sum) };
  },
};

/** Imported here and not above, so that the peers' processes do without Lodemap. */
async function loadMaterialize(): Promise<(value: unknown) => unknown> {
  const lodemap = await import('lodemap');
  return (value) => lodemap.materialize(value);
}

function* documents(scene: Scene): Generator<[Key, object]> {
  const random = new Random(scene.sizes.seed);
  for (let i = 0; i < scene.sizes.documents; i++) yield [scene.key(i), makeDocument(i, random)];
}

/** Touches every leaf: numbers count as themselves, strings by their length, null as 0. */
function walk(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return Number(value);
  let sum = 0;
  for (const item of Array.isArray(value) ? value : Object.values(value)) sum += walk(item);
  return sum;
}
