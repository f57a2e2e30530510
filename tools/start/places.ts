import { LazyMap, LazySet, isLazy } from '../../src/index.ts';
import type { Key, LodeMap } from '../../src/index.ts';

/** Where a value lies: an entry, and the path from it. `text` is the value's JSON, to be compared with later. */
export interface Place {
  readonly key: Key;
  readonly path: readonly string[];
  readonly text: string;
}

const depthMax = 12;

/** Walks from entries down to scalars, turning where a fixed sequence of numbers says, so that every run shows the same. */
export function choosePlaces(map: LodeMap, count: number): Place[] {
  const keys = Array.from(map.keys({ limit: 10_000 }));
  const places: Place[] = [];
  const random = sequence(20_240);
  for (let tries = 0; tries < count * 20 && places.length < count && keys.length > 0; tries++) {
    const key = keys[Math.floor(((places.length + 0.5) / count) * keys.length)]!;
    const { path, value } = descend(map.get(key), random);
    const text = JSON.stringify(value) ?? 'undefined';
    if (text.length < 1000 && !places.some((place) => place.key === key && place.path.join('\0') === path.join('\0'))) places.push({ key, path, text });
  }
  return places;
}

function descend(start: unknown, random: () => number): { path: string[]; value: unknown } {
  const path: string[] = [];
  let value = start;
  while (typeof value === 'object' && value !== null && isLazy(value) && path.length < depthMax) {
    if (value instanceof LazyMap || value instanceof LazySet) break;
    const step: string | undefined = Array.isArray(value) ? String(Math.floor(random() * value.length)) : pick(Object.keys(value), random);
    if (step === undefined || !Object.hasOwn(value, step)) break;
    path.push(step);
    value = (value as Record<string, unknown>)[step];
  }
  return { path, value };
}

function pick(keys: readonly string[], random: () => number): string | undefined {
  return keys[Math.floor(random() * keys.length)];
}

/** Numbers in [0, 1) from a seed (mulberry32, Tommy Ettinger). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
