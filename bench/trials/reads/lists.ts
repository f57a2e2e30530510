import { Random } from '../../random.ts';
import type { Scene } from '../../trial.ts';

/** The `prepare` of R4 and R5: a list of integers below 10^9 under `numbers`, one of short, mostly distinct strings under `strings`. */
export async function prepareLists(scene: Scene): Promise<void> {
  const { listItems, seed } = scene.sizes;
  const random = new Random(seed);
  const store = await scene.open();
  await store.load([
    ['numbers', Array.from({ length: listItems }, () => random.below(1_000_000_000))],
    ['strings', Array.from({ length: listItems }, () => random.word(6 + random.below(7)))],
  ]);
  await store.close();
}

/** The runs of a list; an array is one run. */
export function runsOf<T>(list: readonly T[]): Iterable<ArrayLike<T>> {
  const { runs } = list as Partial<{ runs(): Iterable<ArrayLike<T>> }>;
  return runs === undefined ? [list] : runs.call(list);
}

/** The reader of a list; an array has none. */
export function readerOf<T>(list: readonly T[]): { get(index: number): T | undefined } | undefined {
  return (list as Partial<{ reader(): { get(index: number): T | undefined } }>).reader?.();
}
