/** Who gives memory back when there is little of it. */

/** How short memory is, from `normal` (there is plenty) to `critical`. */
export type MemoryLevel = 'normal' | 'low' | 'high' | 'critical';

export const levels: readonly MemoryLevel[] = ['normal', 'low', 'high', 'critical'];

/** What holds memory it could do without. */
export interface Shrinkable {
  /** Holds at most this share of its usual room, from 0 to 1, until it is told otherwise. */
  shrink(share: number): void;
}

const shares: Readonly<Record<MemoryLevel, number>> = { normal: 1, low: 1, high: 0.5, critical: 0.1 };
const holders = new Set<WeakRef<Shrinkable>>();
const references = new WeakMap<Shrinkable, WeakRef<Shrinkable>>();
let share = 1;

/** Tells `holder` whenever pressure changes, and now if there is some, until it is let go or collected. */
export function watchPressure(holder: Shrinkable): void {
  if (references.has(holder)) return;
  const reference = new WeakRef(holder);
  references.set(holder, reference);
  holders.add(reference);
  if (share < 1) holder.shrink(share);
}

/** The holder is told no more. */
export function unwatchPressure(holder: Shrinkable): void {
  const reference = references.get(holder);
  if (reference !== undefined) holders.delete(reference);
  references.delete(holder);
}

/** Tells everyone what the level is. */
export function spreadPressure(level: MemoryLevel): void {
  if (shares[level] === share) return;
  share = shares[level];
  for (const reference of holders) {
    const holder = reference.deref();
    if (holder === undefined) holders.delete(reference);
    else holder.shrink(share);
  }
}
