/** Reading everything in a store that may be damaged, and judging what came. */
import { isStoreError } from '../../src/base/errors.ts';
import { materialize } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { digest } from './digest.ts';

/** `right` when all was as it should be, `coded` when something was refused with a coded error, else what was wrong. */
export interface Verdict {
  readonly verdict: 'right' | 'coded' | 'wrong';
  readonly detail: string;
}

/** What a store must hold: digests of values by key. `older`: it may be of an earlier time, with these values, and lack any. */
export interface Expected {
  readonly expected: ReadonlyMap<string, string>;
  readonly older?: ReadonlyMap<string, readonly string[]> | undefined;
}

/** Reads every entry, walks the keys and verifies; what could be read goes to `read`. */
export async function readAll(map: LodeMap, { expected, older }: Expected, read: Set<string>): Promise<Verdict> {
  let refused: string | undefined;
  for (const [key, wanted] of expected) {
    try {
      const value = map.get(key);
      if (value === undefined && !map.has(key)) {
        if (older !== undefined) continue;
        return { verdict: 'wrong', detail: `${key} is gone without a word` };
      }
      const found = digest(typeof value === 'object' && value !== null ? materialize(value) : value);
      if (found !== wanted && older?.get(key)?.includes(found) !== true) {
        return { verdict: 'wrong', detail: `${key} reads as something else` };
      }
      read.add(key);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      refused = error.code;
    }
  }
  let listed = 0;
  try {
    for (const key of map.keys()) {
      if (!expected.has(key as string) && older === undefined) return { verdict: 'wrong', detail: `a key nobody set: ${String(key)}` };
      listed++;
    }
    if (listed !== expected.size && older === undefined) return { verdict: 'wrong', detail: `${listed} keys of ${expected.size}, without a word` };
  } catch (error) {
    if (!isStoreError(error)) throw error;
    refused = error.code;
  }
  try {
    const { ok, problems } = await map.verify();
    if (!ok) refused ??= problems[0]?.code ?? 'no problem named';
    else if (refused !== undefined) return { verdict: 'wrong', detail: `verify is content, yet a read said ${refused}` };
  } catch (error) {
    if (!isStoreError(error)) throw error;
    refused ??= error.code;
  }
  return refused === undefined ? { verdict: 'right', detail: '' } : { verdict: 'coded', detail: `${refused}, ${read.size} read` };
}

