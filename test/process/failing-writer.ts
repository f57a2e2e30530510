/**
 * A writer whose calls to the system may fail. Argument: path. Prints `set <i>` for each value that was flushed, `deleted` when the
 * passing values are, `error <code>` for each StoreError, and `closed` when close has settled. Anything else that is
 * thrown ends it with code 1. It vacuums twice.
 */
import { writeSync } from 'node:fs';
import { isStoreError } from '../../src/base/errors.ts';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { takeSegmentBytes } from '../suite/small-segments.ts';

export const writes = 12;

export function valueOf(i: number): unknown {
  return i % 3 === 0 ? Array.from({ length: 400 }, (_, j) => (j % 7 === 0 ? `text ${i} ${j}` : j)) : { i, text: 'x'.repeat(i * 100) };
}

/** Values that are deleted again, so that a vacuum has something to do. Their keys are negative. */
export const passing = 6;

export function passingValueOf(i: number): unknown {
  return { i, text: `passing ${i} `.repeat(150) };
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function attempt(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isStoreError(error)) throw error;
    say(`error ${error.code}`);
  }
}

async function main(path: string): Promise<void> {
  await attempt(async () => {
    const map = (await open(path)) as LodeMap;
    for (let i = 0; i < writes; i++) {
      await attempt(() => write(map, i));
      if (i === 3 || i === 8) await attempt(() => vacuum(map));
    }
    await map.close();
  });
  say('closed');
}

async function write(map: LodeMap, i: number): Promise<void> {
  if (i % 2 === 0) map.set(i, valueOf(i));
  else map.transaction(() => map.set(i, valueOf(i)));
  if (i === 5) map.snapshot().close();
  await map.flush();
  say(`set ${i}`);
}

async function vacuum(map: LodeMap): Promise<void> {
  for (let i = 1; i <= passing; i++) map.set(-i, passingValueOf(i));
  await map.flush();
  for (let i = 1; i <= passing; i++) map.delete(-i);
  await map.flush();
  say('deleted');
  await map.vacuum({ sparseBelow: 1 });
}

if (process.argv[1] === import.meta.filename) {
  takeSegmentBytes();
  await main(process.argv[2]!);
}
