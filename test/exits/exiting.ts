/**
 * A process, or a worker thread in one, that changes a store and a cache while it exits, in a listener that was added after the store
 * was opened: `<folder> <end> [thread]`.
 */
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { openCache } from '../../src/cache/index.ts';
import { open } from '../../src/index.ts';
import type { Cell } from '../../src/index.ts';

const ends: Record<string, () => void> = {
  naturally: () => {},
  exit: () => process.exit(0),
  throw: () => {
    throw new Error('nobody catches this');
  },
  reject: () => void Promise.reject(new Error('nobody catches this')),
};

interface Stored {
  list: number[];
  cell: Cell<number>;
}

async function changeWhileExiting(folder: string, end: string): Promise<void> {
  const map = await open<string, unknown>(`${folder}/store`);
  const cache = openCache(`${folder}/cache`);
  map.set('stored', { list: [1], cell: map.cell(1) }).set('deleted', 1);
  await map.flush();
  const stored = map.get('stored') as Stored;
  const change = (): void => {
    map.set('set', 1);
    stored.list.push(2);
    stored.cell.value = 2;
    map.delete('deleted');
    map.transaction(() => map.set('in a transaction', 1));
    map.update('updated', () => 1);
    map.set('set', 2);
  };
  const opened = await cache;
  process.on('exit', () => {
    change();
    void opened.set('cached', { in: 'a cache' });
    if (end === 'throw') throw new Error('a listener that throws');
  });
  ends[end]!();
}

const [folder, end, where] = isMainThread ? process.argv.slice(2) : (workerData as string[]);
if (where === 'thread' && isMainThread) {
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: [folder, end, where] });
  thread.on('exit', (code) => (process.exitCode = code));
} else await changeWhileExiting(folder!, end!);
