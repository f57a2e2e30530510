/**
 * The store against its model.
 *
 * Strategy: random programs of typed operations run on a LodeMap and on plain values: entries of all kinds of keys and values,
 * writes through lazy containers of any depth, drafts in transactions that may fail and nest, values held for a while, snapshots,
 * closing and opening, the index deleted, another process that reads and writes, vacuums here and there with all of that beside
 * them. Half of the programs have segments of a few KiB, and so many of them. A program is data, so one that fails is cut
 * down to the steps that matter.
 *
 * Invariants: every result, every exception, every state that can be read is the model's.
 */
import { Random } from '../suite/random.ts';
import { perform, randomStep } from './steps.ts';
import type { Step } from './steps.ts';
import { setSegmentBytes } from '../suite/small-segments.ts';
import { World, endChild } from './world.ts';
import type { Sizes } from './world.ts';

const stepsPerProgram = 2000;
const shrinkMs = 60_000;

interface Failure {
  readonly error: unknown;
  /** Steps up to and with the one that failed. */
  readonly steps: number;
  readonly trace: readonly string[];
}

/** Runs a program: how many operations it did, or how it failed. */
async function runProgram(steps: readonly Step[], sizes: Sizes): Promise<number | Failure> {
  const world = new World(sizes);
  let done = 0;
  try {
    await world.open();
    for (const step of steps) {
      await perform(world, step);
      done++;
    }
    world.checkAll();
    await world.reopen(false);
    world.checkAll();
    await world.end();
    return world.operations;
  } catch (error) {
    await world.end().catch(() => {});
    return { error, steps: done + 1, trace: world.trace };
  }
}

/** Leaves out what a program fails without: halves first, then ever smaller pieces. */
async function shrink(program: readonly Step[], first: Failure, sizes: Sizes): Promise<Failure> {
  const deadline = performance.now() + shrinkMs;
  let steps = program.slice(0, first.steps);
  let failure = first;
  for (let size = steps.length >> 1; size >= 1; size = size >> 1) {
    for (let at = 0; at < steps.length && performance.now() < deadline; ) {
      const fewer = steps.toSpliced(at, size);
      const found = await runProgram(fewer, sizes);
      if (typeof found === 'number') {
        at += size;
        continue;
      }
      failure = found;
      steps = fewer.slice(0, found.steps);
    }
  }
  return failure;
}

/** Runs programs of together `operations` operations. Returns how many programs that took. */
export async function runModel(seed: number, operations: number): Promise<number> {
  try {
    return await runPrograms(seed, operations);
  } finally {
    setSegmentBytes(undefined);
    await endChild();
  }
}

async function runPrograms(seed: number, operations: number): Promise<number> {
  let programs = 0;
  let done = 0;
  while (done < operations) {
    const programSeed = (seed + programs++) >>> 0;
    const random = new Random(programSeed);
    const cacheBytes = random.pick([64 * 1024, 1024 * 1024, 64 * 1024 * 1024]);
    const sizes = { cacheBytes, segmentBytes: random.pick([undefined, 8 * 1024, 64 * 1024]) };
    const steps = Array.from({ length: stepsPerProgram }, () => randomStep(random));
    const failure = await runProgram(steps, sizes);
    if (typeof failure === 'number') {
      done += failure;
      continue;
    }
    const least = await shrink(steps, failure, sizes);
    const { error } = least;
    const text = error instanceof Error ? error.stack : String(error);
    throw new Error(
      `LODEMAP_SEED=${programSeed} LODEMAP_OPERATIONS=1 fails; what is left of it:\n${least.trace.join('\n')}\n${text}`,
      { cause: error },
    );
  }
  return programs;
}
