/** What a child process does with its store when it is asked to. */
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { isStoreError } from '../../src/base/errors.ts';
import { materialize } from '../../src/index.ts';
import type { LazyList, LodeMap } from '../../src/index.ts';
import { Staged } from '../model/staged.ts';
import type { Key, Range } from './model-map.ts';
import { Random } from './random.ts';

type Verb = (map: LodeMap, ...args: never[]) => unknown;

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? materialize(value) : value;
}

const kept: unknown[] = [];
let staged: Staged | undefined;

export const verbs: Readonly<Record<string, Verb>> = {
  get: (map, key: Key) => plain(map.get(key)),
  has: (map, key: Key) => map.has(key),
  size: (map) => map.size,
  keys: (map, range: Range) => [...map.keys(range)],
  values: (map, range: Range) => [...map.values(range)].map(plain),
  entries: (map, range: Range) => [...map.entries(range)].map(([key, value]) => [key, plain(value)]),
  set: (map, key: Key, value: unknown) => void map.set(key, value),
  setAll: (map, entries: ReadonlyArray<[Key, unknown]>) => {
    map.transaction(() => {
      for (const [key, value] of entries) map.set(key, value);
    });
  },
  delete: (map, key: Key) => map.delete(key),
  deleteNow: (map, key: Key) => map.transaction(() => map.delete(key)),
  clear: (map) => map.clear(),
  compareAndSet: (map, key: Key, expected: unknown, next: unknown) => map.compareAndSet(key, expected, next),
  flush: (map) => map.flush(),
  close: (map) => map.close(),
  verify: (map) => map.verify(),
  backup: (map, to: string) => map.backup(to),
  stats: (map) => map.stats(),
  /** Adds 1 to a counter, `times` times. */
  increment: (map, key: Key, times: number) => {
    for (let i = 0; i < times; i++) map.update(key, (value) => ((value as number | undefined) ?? 0) + 1);
  },
  /** As `increment`, letting others in between. */
  incrementSlowly: async (map, key: Key, times: number) => {
    for (let i = 0; i < times; i++) {
      map.update(key, (value) => ((value as number | undefined) ?? 0) + 1);
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  },
  /** Sets `count` lists that differ from those of every other `name`. */
  distinctLists: async (map, name: string, count: number, batch: number) => {
    for (let i = 0; i < count; i++) {
      map.set([name, i], listOf(name, i));
      if (i % batch === batch - 1) await map.flush();
    }
    await map.flush();
  },
  /** Begins to extend a list by items that come to no end; answers when `count` of them have been taken. */
  extendWithoutEnd: (map, key: Key, count: number) =>
    new Promise<void>((resolve) => {
      async function* items(): AsyncGenerator<unknown> {
        for (let i = 0; i < count; i++) yield { i, text: `${i} `.repeat(80) };
        resolve();
        await new Promise(() => undefined);
      }
      void (map.get(key) as LazyList).extend(items());
    }),
  /**
   * In one stretch: reads the first of `keys`, waits until `file` is there, then reads all entries of `keys` by `get` and by iterating. Returns
   * both.
   */
  readInOneStretch: (map, keys: readonly Key[], file: string) => {
    const first = map.get(keys[0]!);
    process.send?.({ reading: true });
    waitForFile(file);
    const iterated = [...map.entries()].map(([key, value]) => [key, plain(value)]);
    return { got: keys.map((key) => plain(map.get(key))), iterated, first: plain(first) };
  },
  /** Deletes entries, vacuums all that goes, `times` times, and then makes `file`. */
  deleteAndVacuum: async (map, keys: readonly Key[], file: string, times = 1) => {
    map.transaction(() => {
      for (const key of keys) map.delete(key);
    });
    for (let i = 0; i < times; i++) await map.vacuum({ sparseBelow: 1 });
    writeFileSync(file, '');
  },
  /** Blocks the loop inside a transaction for `ms`, having set `key`. */
  blockInTransaction: (map, key: Key, ms: number) => {
    map.transaction(() => {
      map.set(key, 'set before the block');
      process.send?.({ holding: key });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    });
  },
  /** Waits for `go`, then holds the commit lock for `ms`; makes `held` when it does. */
  blockWhenTold: (map, go: string, held: string, ms: number) => {
    waitForFile(go);
    map.transaction(() => {
      writeFileSync(held, '');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    });
  },
  /** Takes the commit lock `times` times and proves by a file that nobody else has it. */
  holdAlone: async (map, file: string, times: number) => {
    for (let i = 0; i < times; i++) {
      map.transaction(() => {
        closeSync(openSync(file, 'wx'));
        map.update('turns', (turns) => ((turns as number | undefined) ?? 0) + 1);
        rmSync(file);
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
  /** Takes a snapshot and keeps it. */
  snapshot: (map) => void kept.push(map.snapshot()),
  vacuum: (map, options: object) => map.vacuum(options),
  /** Writes a value's chunks ahead of the commit that `putStaged` makes. */
  stage: (map, value: unknown) => {
    staged = new Staged(map, value);
  },
  putStaged: (map, key: Key) => staged?.put(key),
  /** Vacuums unless another process is at it; says whether it did. */
  vacuumIfFree: async (map, options: object) => {
    try {
      await map.vacuum(options);
      return true;
    } catch (error) {
      if (!isStoreError(error, 'LOCKED')) throw error;
      return false;
    }
  },
  /**
   * Sets, replaces and deletes its own keys for `ms`, some with values that were there before and may be dead by now. Returns the
   * numbers of the keys it leaves.
   */
  churn: async (map, name: string, ms: number) => {
    const until = performance.now() + ms;
    const there = new Map<number, number>();
    for (let step = 0; performance.now() < until; step++) {
      const key = (step * 7919) % 300;
      if (step % 3 === 2) {
        map.delete([name, key]);
        there.delete(key);
      } else {
        there.set(key, step % 40);
        map.set([name, key], { key, list: listOf(name, step % 40), text: `${step % 40} `.repeat(300) });
      }
      if (step % 20 === 0) await map.flush();
    }
    await map.flush();
    return [...there];
  },
  /** As `churn`, with values that are like no other: each is `noise(name, number)`. */
  churnNoise: async (map, name: string, ms: number) => {
    const until = performance.now() + ms;
    const there = new Map<number, number>();
    for (let step = 0; performance.now() < until; step++) {
      const key = (step * 7919) % 20;
      if (step % 3 === 2) {
        map.delete([name, key]);
        there.delete(key);
      } else {
        map.set([name, key], noise(name, step));
        there.set(key, step);
      }
      if (step % 8 === 0) await map.flush();
    }
    await map.flush();
    return [...there];
  },
  /** Reads entries that nobody changes for `ms` and compares them; returns how many. */
  readKept: async (map, count: number, ms: number) => {
    const until = performance.now() + ms;
    let reads = 0;
    for (; performance.now() < until; reads++) {
      const number = (reads * 6151) % count;
      const found = JSON.stringify(plain(map.get(['kept', number])));
      if (found !== JSON.stringify(listOf('kept', number))) throw new Error(`kept ${number} reads as ${found}`);
      if (reads % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return reads;
  },
  /** Sets a value and leaves in the same turn, without closing. */
  setAndExit: (map, key: Key, value: unknown) => {
    map.set(key, value);
    process.exit(0);
  },
  setAndThrow: (map, key: Key, value: unknown) => {
    map.set(key, value);
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
  },
  /** Leaves the event loop no turn for `ms`. */
  beBusy: (_map, ms: number) => {
    process.send?.({ busy: true });
    for (const until = Date.now() + ms; Date.now() < until; );
  },
  /** Nothing keeps the process any longer, but it says no goodbye. */
  leave: () => {
    process.removeAllListeners('disconnect');
    setTimeout(() => process.disconnect(), 50);
  },
};

/** Blocks the thread until `file` is there. */
export function waitForFile(file: string): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (const until = Date.now() + 60_000; !existsSync(file); Atomics.wait(cell, 0, 0, 2)) {
    if (Date.now() > until) throw new Error(`${file} never came`);
  }
}

/** Bytes that are like no others. */
export function noise(name: string, number: number): Buffer {
  return new Random(name.length * 65_537 + Number(name.replaceAll(/\D/g, '')) * 1_000_003 + number).bytes(20_000);
}

/** A list of 40 strings and numbers, every one of them in every list; only two elements tell lists apart. */
export function listOf(name: string, number: number): unknown[] {
  const list: unknown[] = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? i : `element ${i}`));
  list[7] = name;
  list[31] = number;
  return list;
}
