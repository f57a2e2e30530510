/**
 * A process whose worker threads write to a store and are ended in the middle of it: `<path> <how> <rounds>`.
 *
 * `terminate`: round after round a thread is terminated at a random moment, from its start on. `exit` and `throw`: the main thread
 * ends, by process.exit or by an error that nobody catches, while two threads write.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';

interface Task {
  path: string;
  name: string;
  way: number;
}

/** Each writes two entries that are equal, whole, at any time. */
const ways: ReadonlyArray<(map: LodeMap, name: string, i: number) => unknown> = [
  (map, name, i) => map.transaction(() => map.set(`${name} a`, i).set(`${name} b`, i)),
  (map, name, i) => map.set(`${name} a`, i).set(`${name} b`, i).flush(),
  (map, name, i) => map.setMany([[`${name} a`, i], [`${name} b`, i], [`${name} long`, 'x'.repeat(i % 5000)]]),
];

async function write({ path, name, way }: Task): Promise<void> {
  const map = (await open(path)) as LodeMap;
  parentPort!.postMessage('open');
  for (let i = 0; ; i++) await ways[way]!(map, name, i);
}

function start(path: string, way: number): Worker {
  const task: Task = { path, name: `thread ${way}`, way: way % ways.length };
  return new Worker(fileURLToPath(import.meta.url), { workerData: task });
}

async function terminateThreads(path: string, rounds: number): Promise<void> {
  const map = (await open(path)) as LodeMap;
  for (let i = 0; i < rounds; i++) {
    const thread = start(path, i);
    // Every fourth one while it starts, or opens the store.
    if (i % 4 !== 3) await once(thread, 'message');
    await sleep(Math.random() * (i % 4 === 3 ? 120 : 20));
    await thread.terminate();
    map.update('rounds', (n) => ((n as number | undefined) ?? 0) + 1);
    assert.equal(map.get(`thread ${i} a`), map.get(`thread ${i} b`));
  }
  await map.close();
}

async function endMainThread(path: string, how: string): Promise<void> {
  const threads = [start(path, 0), start(path, 1)];
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  await sleep(Math.random() * 20);
  if (how === 'exit') process.exit(0);
  throw new Error('nobody catches this');
}

if (!isMainThread) await write(workerData as Task);
else {
  const [path, how, rounds] = process.argv.slice(2) as [string, string, string];
  if (how === 'terminate') await terminateThreads(path, Number(rounds));
  else await endMainThread(path, how);
}
