/** A store seen in different ways, all of which must show the same. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { materialize, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from './children.ts';
import type { Key, Range } from './model-map.ts';

/** What can be read of a map, values as plain ones. */
export interface View {
  get(key: Key): Promise<unknown>;
  has(key: Key): Promise<boolean>;
  size(): Promise<number>;
  keys(range?: Range): Promise<Key[]>;
  values(range?: Range): Promise<unknown[]>;
  entries(range?: Range): Promise<Array<[Key, unknown]>>;
  /** What structured cloning makes of values on their way from another process: no Buffers, no null prototypes. */
  readonly isFar: boolean;
}

/** A way to look at a store. `look` gives the map to go on with (it may have been opened anew) and what is seen. */
export interface Subject {
  readonly name: string;
  look(map: LodeMap, path: string): Promise<{ map: LodeMap; view: View; done: () => Promise<void> }>;
  /** When the suite is over. */
  end?(): Promise<void>;
}

/** What a map and a snapshot have in common. */
interface Readable {
  get(key: Key): unknown;
  has(key: Key): boolean;
  readonly size: number;
  keys(range?: Range): Iterable<Key>;
  values(range?: Range): Iterable<unknown>;
  entries(range?: Range): Iterable<[Key, unknown]>;
}

export function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? materialize(value) : value;
}

/** The view of a map or a snapshot of this process. */
export function viewOf(map: Readable): View {
  return {
    get: async (key) => plain(map.get(key)),
    has: async (key) => map.has(key),
    size: async () => map.size,
    keys: async (range) => [...map.keys(range)],
    values: async (range) => [...map.values(range)].map(plain),
    entries: async (range) => [...map.entries(range)].map(([key, value]): [Key, unknown] => [key, plain(value)]),
    isFar: false,
  };
}

function remote(call: (verb: string, ...args: unknown[]) => Promise<unknown>): View {
  return {
    get: (key) => call('get', key),
    has: (key) => call('has', key) as Promise<boolean>,
    size: () => call('size') as Promise<number>,
    keys: (range) => call('keys', range) as Promise<Key[]>,
    values: (range) => call('values', range) as Promise<unknown[]>,
    entries: (range) => call('entries', range) as Promise<Array<[Key, unknown]>>,
    isFar: true,
  };
}

const nothing = async (): Promise<void> => {};

const itself: Subject = {
  name: 'itself',
  look: async (map) => ({ map, view: viewOf(map as Readable), done: nothing }),
};

const committed: Subject = {
  name: 'after a flush',
  look: async (map) => {
    await map.flush();
    return { map, view: viewOf(map as Readable), done: nothing };
  },
};

const reopened: Subject = {
  name: 'reopened',
  look: async (map, path) => {
    await map.close();
    const again = (await open(path)) as LodeMap;
    return { map: again, view: viewOf(again as Readable), done: nothing };
  },
};

const rebuilt: Subject = {
  name: 'its index deleted',
  look: async (map, path) => {
    await map.close();
    rmSync(join(path, 'index'), { recursive: true });
    const again = (await open(path)) as LodeMap;
    return { map: again, view: viewOf(again as Readable), done: nothing };
  },
};

const readOnly: Subject = {
  name: 'opened for reading only',
  look: async (map, path) => {
    await map.close();
    const reading = (await open(path, { readOnly: true })) as LodeMap;
    const view = viewOf(reading as Readable);
    const next = { map, view, done: async () => {} };
    next.done = async () => {
      await reading.close();
      next.map = (await open(path)) as LodeMap;
    };
    return next;
  },
};

const snapshot: Subject = {
  name: 'a snapshot',
  look: async (map) => {
    const taken = map.snapshot();
    // What comes after must not show.
    map.set('after the snapshot', 1);
    for (const key of Array.from(map.keys({ limit: 2 }))) map.delete(key);
    const view = viewOf(taken as unknown as Readable);
    return {
      map,
      view,
      done: async () => {
        const entries = [...taken.entries()].map(([key, value]) => [key, plain(value)] as const);
        map.clear();
        for (const [key, value] of entries) map.set(key, value);
        taken.close();
      },
    };
  },
};

/** A child process that has the store open all the time. */
function secondProcess(): Subject {
  let child: StoreChild | undefined;
  return {
    name: 'a second process',
    look: async (map, path) => {
      await map.flush();
      child ??= await StoreChild.open(path);
      return { map, view: remote((verb, ...args) => child!.call(verb, ...args)), done: nothing };
    },
    end: async () => {
      await child?.close();
    },
  };
}

/** A worker thread that has the store open all the time. */
function workerThread(): Subject {
  let worker: Worker | undefined;
  let calls = 0;
  const call = (verb: string, ...args: unknown[]): Promise<unknown> => {
    const id = ++calls;
    return new Promise((resolve, reject) => {
      const answer = (reply: { id: number; value?: unknown; error?: string }): void => {
        if (reply.id !== id) return;
        worker!.off('message', answer);
        if (reply.error === undefined) resolve(reply.value);
        else reject(new Error(reply.error));
      };
      worker!.on('message', answer);
      worker!.postMessage({ id, verb, args });
    });
  };
  return {
    name: 'a worker thread',
    look: async (map, path) => {
      await map.flush();
      worker ??= new Worker(new URL('./store-worker.js', import.meta.url), { workerData: path });
      return { map, view: remote(call), done: nothing };
    },
    end: async () => {
      if (worker === undefined) return;
      await call('close');
      await worker.terminate();
    },
  };
}

/** All of them, new ones at every call. */
export function subjects(): Subject[] {
  return [itself, committed, reopened, rebuilt, readOnly, snapshot, secondProcess(), workerThread()];
}
