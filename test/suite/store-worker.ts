/** A worker thread that holds a store open and does what it is asked. */
import { parentPort, workerData } from 'node:worker_threads';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { verbs } from './store-verbs.ts';

const map = (await open(workerData as string)) as LodeMap;

parentPort!.on('message', ({ id, verb, args }: { id: number; verb: string; args: never[] }) => {
  Promise.resolve()
    .then(() => verbs[verb]!(map, ...args))
    .then(
      (value) => parentPort!.postMessage({ id, value }),
      (error: Error) => parentPort!.postMessage({ id, error: error.stack }),
    );
});
