/**
 * A process with a cache open that does what its parent asks: `[verb, ...args]` in, `{ value }` or `{ error }` out. What a `compute`
 * does is said by a word: `count` appends a byte to a file and takes a while, `fail` throws, `hang` never ends, `die` kills the process.
 */
import { EventEmitter } from 'node:events';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isLazy, materialize, openCache, sessionStore } from '../../src/cache/index.ts';
import type { Cache, CacheOptions } from '../../src/cache/index.ts';

let cache: Cache<string> | undefined;

async function compute(how: string, file: string): Promise<unknown> {
  appendFileSync(file, '.');
  if (how === 'fail') {
    await delay(30);
    throw Object.assign(new RangeError('out of luck'), { code: 'LUCK' });
  }
  if (how === 'hang') return new Promise(() => undefined);
  if (how === 'die') return process.kill(process.pid, 'SIGKILL');
  await delay(40);
  return { by: process.pid };
}

const verbs: Record<string, (...args: never[]) => unknown> = {
  open: async (path: string, options: CacheOptions) => void (cache = await openCache<string>(path, options)),
  set: (key: string, value: unknown, options: object) => cache!.set(key, value, options),
  get: (key: string) => cache!.get(key),
  delete: (key: string) => cache!.delete(key),
  clear: () => cache!.clear(),
  invalidate: (tag: string) => cache!.invalidateTag(tag),
  compute: (key: string, how: string, file: string) => cache!.getOrCompute(key, () => compute(how, file)),
  stats: () => cache!.stats(),
  tidy: () => cache!.tidy(),
  /** Reads, and stays in that stretch until the file `until` is there. */
  stand: (key: string, standing: string, until: string) => {
    cache!.get(key);
    writeFileSync(standing, '');
    while (!existsSync(until)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    return cache!.get(key);
  },
  /** Adds to a number, one after the other. */
  count: async (key: string, times: number) => {
    for (let i = 0; i < times; i++) await cache!.update(key, (n = 0) => (n as number) + 1);
  },
  /** Touches a session in one turn after the other until it is told to stop; says how often. */
  touch: async (sid: string) => {
    const store = sessionStore({ Store: EventEmitter }, cache!);
    let times = 0;
    for (; cache!.get('stop') !== true; times++) {
      await new Promise((resolve) => store.touch(sid, { cookie: { originalMaxAge: times, expires: new Date(Date.now() + 60_000) } }, resolve));
    }
    return times;
  },
  flush: () => cache!.flush(),
  close: () => cache!.close(),
  /** Lets go of the parent without closing: the process ends by itself when nothing is left to do. */
  leave: () => void setImmediate(() => process.disconnect()),
};

process.on('message', ({ id, verb, args }: { id: number; verb: string; args: never[] }) => {
  const answer = (reply: object): void => void process.send?.({ id, ...reply });
  const done = async (): Promise<unknown> => {
    const value = await verbs[verb]!(...args);
    return isLazy(value) ? materialize(value) : value;
  };
  done().then(
    (value) => answer({ value }),
    (error: Error & { code?: unknown }) => answer({ error: { name: error.name, code: error.code, message: error.message } }),
  );
});
process.send?.({ ready: true });
