/**
 * Opens damaged stores one after the other and reads everything in them. Answers what it found: `right` when everything was
 * as in the store before it was damaged, `code` when it was refused with a coded error, else what was wrong.
 */
import { isStoreError } from '../../src/base/errors.ts';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { digest } from './digest.ts';

/** What the parent asks. `expected` maps each key to a digest of its value. */
export interface Attempt {
  readonly path: string;
  readonly expected: ReadonlyMap<string, string>;
}

export interface Verdict {
  readonly verdict: 'right' | 'coded' | 'wrong';
  readonly detail: string;
}

async function readAll(map: LodeMap, expected: ReadonlyMap<string, string>): Promise<Verdict> {
  let refused: string | undefined;
  let seen = 0;
  for (const [key, wanted] of expected) {
    try {
      const value = map.get(key);
      if (value === undefined && !map.has(key)) return { verdict: 'wrong', detail: `${key} is gone without a word` };
      if (digest(typeof value === 'object' && value !== null ? materialize(value) : value) !== wanted) {
        return { verdict: 'wrong', detail: `${key} reads as something else` };
      }
      seen++;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      refused = error.code;
    }
  }
  let listed = 0;
  try {
    for (const key of map.keys()) {
      if (!expected.has(key as string)) return { verdict: 'wrong', detail: `a key nobody set: ${String(key)}` };
      listed++;
    }
    if (listed !== expected.size) return { verdict: 'wrong', detail: `${listed} keys of ${expected.size}, without a word` };
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
  return refused === undefined ? { verdict: 'right', detail: '' } : { verdict: 'coded', detail: `${refused}, ${seen} read` };
}

async function attempt({ path, expected }: Attempt): Promise<Verdict> {
  let map: LodeMap | undefined;
  try {
    map = (await open(path)) as LodeMap;
    return await readAll(map, expected);
  } catch (error) {
    if (isStoreError(error)) return { verdict: 'coded', detail: error.code };
    return { verdict: 'wrong', detail: `an error without a code: ${(error as Error).stack}` };
  } finally {
    await map?.close().catch((error: unknown) => {
      if (!isStoreError(error)) throw error;
    });
  }
}

if (process.argv[1] === import.meta.filename) {
  process.on('message', (message: Attempt) => {
    void attempt(message).then((verdict) => process.send!(verdict));
  });
  process.on('disconnect', () => process.exit());
}
