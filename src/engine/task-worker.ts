/**
 * What runs in the processes of a TaskPool: takes tasks, one at a time, and sends back what they give.
 *
 * A task is a function that a module exports, and its argument. The function gets the argument and a way to report progress.
 */
import { packError } from './task-error.ts';
import type { SentError } from './task-error.ts';

/** A function by its place, so that it can be found in any process, and what it is called with (structured-cloneable). */
export interface Task {
  /** A file URL. */
  readonly module: string;
  readonly export: string;
  readonly argument: unknown;
}

/** What a task function is. */
export type TaskFunction = (argument: unknown, report: (progress: unknown) => void) => unknown;

/** From the worker to the pool. */
export type Answer =
  | { readonly what: 'progress'; readonly value: unknown }
  | { readonly what: 'result'; readonly value: unknown }
  | { readonly what: 'error'; readonly error: SentError };

async function work({ module, export: name, argument }: Task): Promise<Answer> {
  try {
    const loaded = (await import(module)) as Record<string, unknown>;
    const run = loaded[name];
    if (typeof run !== 'function') throw new TypeError(`${module} has no function ${name}`);
    const value: unknown = await (run as TaskFunction)(argument, (progress) => send({ what: 'progress', value: progress }));
    return { what: 'result', value };
  } catch (error) {
    return { what: 'error', error: packError(error) };
  }
}

function send(answer: Answer): void {
  // When the pool is gone there is nobody to tell.
  if (!process.connected) return;
  try {
    process.send!(answer, () => {});
  } catch (error) {
    send({ what: 'error', error: packError(error) });
  }
}

process.on('message', (task: Task) => {
  void work(task).then(send);
});
// A Ctrl-C reaches the whole group of processes: the pool's process decides what it means.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
