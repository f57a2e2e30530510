import type { Aggregate } from './aggregates.ts';
import { resolveBy } from '../by.ts';

/** The function for what an aggregate is made over: the items themselves, where it does not say. */
export async function valueOf<T>({ of, fold }: Aggregate<T, unknown>): Promise<(item: T) => unknown> {
  if (of === undefined) return fold.marks === true ? () => 0 : (item) => item;
  const value = await resolveBy(of);
  if (fold.marks !== true) return value;
  return (item) => {
    const found = value(item);
    return found === undefined || found === null ? undefined : 0;
  };
}
