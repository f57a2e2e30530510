/**
 * Opens damaged stores one after the other and reads everything in them. Answers what it found: `right` when everything was
 * as in the store before it was damaged, `code` when it was refused with a coded error, else what was wrong.
 */
import { isStoreError } from '../../src/base/errors.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { readAll } from './read-store.ts';
import type { Verdict } from './read-store.ts';
import { takeSegmentBytes } from '../suite/small-segments.ts';

/** What the parent asks. `expected` maps each key to a digest of its value. */
export interface Attempt {
  readonly path: string;
  readonly expected: ReadonlyMap<string, string>;
  /** Vacuum it, too? */
  readonly vacuum: boolean;
}

/** Vacuums the store and reads it again, once as it is and once with an index made anew: what could be read before is there. */
async function vacuumAndRead(map: LodeMap, { path, expected }: Attempt, before: ReadonlySet<string>): Promise<Verdict> {
  let refused: string | undefined;
  try {
    await map.vacuum({ sparseBelow: 1 });
  } catch (error) {
    if (!isStoreError(error)) throw error;
    refused = error.code;
  }
  const found = await readAgain(map, expected, before);
  if (found !== undefined) return { verdict: 'wrong', detail: `after a vacuum (${refused ?? 'done'}): ${found}` };
  await map.close();
  await using again = (await open(path, { rebuild: true })) as LodeMap;
  const rebuilt = await readAgain(again, expected, before);
  if (rebuilt !== undefined) return { verdict: 'wrong', detail: `rebuilt after a vacuum (${refused ?? 'done'}): ${rebuilt}` };
  return { verdict: refused === undefined ? 'right' : 'coded', detail: `vacuum: ${refused}` };
}

/** What is wrong with a store after a vacuum. */
async function readAgain(map: LodeMap, expected: ReadonlyMap<string, string>, before: ReadonlySet<string>): Promise<string | undefined> {
  const read = new Set<string>();
  const { verdict, detail } = await readAll(map, { expected }, read);
  if (verdict === 'wrong') return detail;
  for (const key of before) if (!read.has(key)) return `${key} could be read before: ${detail}`;
  return undefined;
}

async function attempt(one: Attempt): Promise<Verdict> {
  let map: LodeMap | undefined;
  try {
    map = (await open(one.path)) as LodeMap;
    const read = new Set<string>();
    const first = await readAll(map, one, read);
    if (first.verdict === 'wrong' || !one.vacuum) return first;
    const second = await vacuumAndRead(map, one, read);
    return second.verdict === 'right' ? first : second;
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
  takeSegmentBytes();
  process.on('message', (message: Attempt) => {
    void attempt(message).then((verdict) => process.send!(verdict));
  });
  process.on('disconnect', () => process.exit());
}
