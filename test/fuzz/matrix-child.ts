/**
 * Opens damaged stores in one way or another, one after the other. Reads everything, and does so again after the store was closed, or made anew by a
 * rebuild where it had been refused: what an opening leaves behind must be no worse than what it found.
 */
import { isStoreError } from '../../src/base/errors.ts';
import { open } from '../../src/index.ts';
import type { LodeMap, OpenOptions } from '../../src/index.ts';
import { takeSegmentBytes } from '../suite/small-segments.ts';
import type { Mode } from './matrix.ts';
import { readAll } from './read-store.ts';
import type { Expected, Verdict } from './read-store.ts';

export interface MatrixAttempt extends Expected {
  readonly path: string;
  readonly mode: Mode;
}

/** Of the first opening; `again` of the second. */
export interface MatrixVerdict extends Verdict {
  readonly again?: Verdict['verdict'];
}

const optionsOf: Readonly<Record<Mode, OpenOptions>> = {
  open: {},
  readOnly: { readOnly: true },
  rebuild: { create: false, rebuild: true },
  repair: { readOnly: true },
};

async function attempt(one: MatrixAttempt): Promise<MatrixVerdict> {
  const read = new Set<string>();
  const first = await look(one, optionsOf[one.mode], read);
  if (first.verdict === 'wrong') return first;
  const wasRefused = first.verdict === 'coded' && read.size === 0;
  if (one.mode === 'repair' && !wasRefused) {
    const repaired = await repair(one);
    if (repaired !== undefined) return repaired;
  }
  const later = new Set<string>();
  const second = await look(one, wasRefused ? optionsOf.rebuild : {}, later);
  if (second.verdict === 'wrong') return { verdict: 'wrong', detail: `then: ${second.detail} (before: ${first.detail})` };
  for (const key of read) {
    if (!later.has(key)) return { verdict: 'wrong', detail: `${key} could be read before; then: ${second.detail}` };
  }
  return { ...first, again: second.verdict };
}

/** What `lodemap verify --repair` does. */
async function repair({ path }: MatrixAttempt): Promise<MatrixVerdict | undefined> {
  try {
    let map = (await open(path)) as LodeMap;
    const { problems } = await map.verify();
    await map.close();
    if (problems.length > 0 && problems.every(({ code }) => code === 'INDEX')) {
      map = (await open(path, { create: false, rebuild: true })) as LodeMap;
      await map.close();
    }
    map = (await open(path)) as LodeMap;
    await map.verify({ dropLeftovers: true });
    await map.close();
    return undefined;
  } catch (error) {
    return isStoreError(error) ? undefined : { verdict: 'wrong', detail: `an error without a code: ${(error as Error).stack}` };
  }
}

async function look(one: MatrixAttempt, options: OpenOptions, read: Set<string>): Promise<Verdict> {
  let map: LodeMap | undefined;
  try {
    map = (await open(one.path, options)) as LodeMap;
    return await readAll(map, one, read);
  } catch (error) {
    if (isStoreError(error)) return { verdict: 'coded', detail: `${error.code}: ${error.message}` };
    return { verdict: 'wrong', detail: `an error without a code: ${(error as Error).stack}` };
  } finally {
    await map?.close().catch((error: unknown) => {
      if (!isStoreError(error)) throw error;
    });
  }
}

takeSegmentBytes();
process.on('message', (message: MatrixAttempt) => {
  void attempt(message).then((verdict) => process.send!(verdict));
});
process.on('disconnect', () => process.exit());
