/**
 * The open storm.
 *
 * Strategy: several processes open one store at the same moment, write, flush, vacuum (whoever gets to) and close; one of them is slowed, by being
 * stopped and continued every few milliseconds or by a library that delays each of its reads of the index. Round after
 * round, so that every kind of meeting comes up: creating with opening, opening with committing, closing with opening.
 * This is what LMDB alone does not survive.
 *
 * Invariants: nobody crashes or hangs, nothing flushed is lost, and all counters are exact.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import type { Random } from '../suite/random.ts';
import { difference } from '../suite/same.ts';
import { listOf } from '../suite/store-verbs.ts';

export interface StormOptions {
  readonly processes: number;
  readonly rounds: number;
  /** Environment of the process that is slowed. */
  readonly slowEnvironment?: NodeJS.ProcessEnv;
}

const listsPerRound = 12;
const increments = 10;

/** Stops and continues a process in short steps until `done`. */
async function stutter(pid: number, random: Random, done: () => boolean): Promise<void> {
  while (!done()) {
    process.kill(pid, 'SIGSTOP');
    await sleep(1 + random.below(15));
    process.kill(pid, 'SIGCONT');
    await sleep(1 + random.below(3));
  }
}

async function oneProcess(child: StoreChild, path: string, name: string): Promise<void> {
  await child.call('open', path);
  await child.call('increment', 'counter', increments);
  await child.call('distinctLists', name, listsPerRound, 5);
  await child.call('vacuumIfFree', { sparseBelow: 1 });
  await child.call('close');
}

async function checkRound(path: string, names: readonly string[], total: number): Promise<void> {
  const map = (await open(path)) as LodeMap;
  assert.equal(map.get('counter'), total, 'the counter');
  for (const name of names) {
    for (let i = 0; i < listsPerRound; i++) {
      const value = map.get([name, i]);
      assert.notEqual(value, undefined, `${name} ${i} is gone`);
      assert.equal(difference(materialize(value), listOf(name, i)), undefined);
    }
  }
  await map.close();
}

/** Runs rounds on stores at `folder`, a new store every tenth round. Returns how many processes opened. */
export async function stormRounds(folder: string, random: Random, options: StormOptions): Promise<number> {
  const { processes, rounds } = options;
  const children = Array.from({ length: processes }, (_, i) => {
    return new StoreChild(i === 0 && options.slowEnvironment !== undefined ? { env: options.slowEnvironment } : {});
  });
  let opens = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const path = `${folder}/store ${Math.floor(round / 10)}`;
      const names = children.map((_, i) => `round ${round} process ${i}`);
      let done = false;
      const slowed = children[0]!.process.pid!;
      const stuttering = options.slowEnvironment === undefined ? stutter(slowed, random, () => done) : undefined;
      const work = children.map(async (child, i) => {
        await sleep(random.below(12));
        await oneProcess(child, path, names[i]!);
      });
      const results = await Promise.allSettled(work);
      done = true;
      await stuttering;
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      opens += processes;
      await checkRound(path, names, ((round % 10) + 1) * processes * increments);
    }
  } finally {
    await Promise.all(children.map((child) => child.kill()));
  }
  return opens;
}
