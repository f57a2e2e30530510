/**
 * Tasks in processes.
 *
 * A pool starts a process when there is a task and no idle one, up to its size, and ends them all when it is closed; until then they keep
 * this process alive. A process
 * that dies (killed, out of memory, an aborting native module) is replaced and its task done again, twice at most: so a task
 * must be one that may be repeated. A task that throws is not: its error is that of the promise.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { StoreError } from '../base/errors.ts';
import { ownFile } from '../base/own-file.ts';
import { unpackError } from './task-error.ts';
import type { Answer, Task } from './task-worker.ts';

const attemptsMax = 3;

/** A task that waits or runs. */
interface Assignment {
  readonly task: Task;
  readonly onProgress: ((progress: unknown) => void) | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
  attempts: number;
}

interface Worker {
  readonly child: ChildProcess;
  assignment: Assignment | undefined;
}

export class TaskPool {
  readonly #size: number;
  readonly #workers = new Set<Worker>();
  readonly #waiting: Assignment[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #exits: Promise<void>[] = [];
  readonly #file: string;
  #closed = false;

  /** `size` processes at most. An abort of the signal ends them and rejects what is under way. Throws UNSUPPORTED where the library was bundled. */
  constructor(size: number, signal?: AbortSignal) {
    this.#size = size;
    this.#signal = signal;
    this.#file = fileURLToPath(ownFile('engine/task-worker'));
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** Processes there are now; for tests. */
  get pids(): readonly number[] {
    return [...this.#workers].flatMap(({ child }) => child.pid ?? []);
  }

  /** Does a task and gives its result. Rejects with its error, with ABORTED or CLOSED, and IO when three processes died of it. */
  run(task: Task, onProgress?: (progress: unknown) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(this.#signal?.aborted === true ? this.#aborted() : closedError());
        return;
      }
      this.#waiting.push({ task, onProgress, resolve, reject, attempts: 0 });
      this.#assign();
    });
  }

  /** Ends all processes; what is under way is rejected with CLOSED. Resolves when they are gone. Idempotent. */
  async close(): Promise<void> {
    this.#end(closedError());
    await Promise.all(this.#exits);
  }

  readonly #abort = (): void => this.#end(this.#aborted());

  #aborted(): StoreError {
    return new StoreError('ABORTED', 'The operation was aborted', { cause: this.#signal?.reason });
  }

  #end(error: StoreError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    const open = this.#waiting.splice(0);
    for (const worker of this.#workers) {
      // Who is idle can go in order; who works may not hear for long.
      if (worker.assignment === undefined && worker.child.connected) worker.child.disconnect();
      else worker.child.kill('SIGKILL');
      if (worker.assignment !== undefined) open.push(worker.assignment);
      worker.assignment = undefined;
    }
    this.#workers.clear();
    for (const { reject } of open) reject(error);
  }

  /** Gives waiting tasks to idle processes, and starts processes for the others. */
  #assign(): void {
    while (this.#waiting.length > 0) {
      const worker = [...this.#workers].find(({ assignment }) => assignment === undefined) ?? this.#start();
      if (worker === undefined) return;
      const assignment = this.#waiting.shift()!;
      assignment.attempts++;
      worker.assignment = assignment;
      try {
        worker.child.send(assignment.task, () => {
          // A process that is gone says so by its exit.
        });
      } catch (error) {
        // A task that can not be cloned.
        this.#settle(worker, ({ reject }) => reject(error));
      }
    }
  }

  #start(): Worker | undefined {
    if (this.#workers.size >= this.#size) return undefined;
    const execArgv = process.execArgv.filter((option) => /^--(?:enable-source-maps|max-old-space-size)/.test(option));
    const child = fork(this.#file, [], { serialization: 'advanced', execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const worker: Worker = { child, assignment: undefined };
    this.#workers.add(worker);
    this.#exits.push(
      new Promise((resolve) => {
        child.on('exit', () => resolve());
        child.on('error', () => resolve());
      }),
    );
    child.on('message', (answer: Answer) => this.#answer(worker, answer));
    child.on('exit', (code, signal) => this.#died(worker, signal ?? `exit code ${code}`));
    child.on('error', (error) => this.#died(worker, error.message));
    return worker;
  }

  #answer(worker: Worker, answer: Answer): void {
    if (answer.what === 'progress') worker.assignment?.onProgress?.(answer.value);
    else if (answer.what === 'result') this.#settle(worker, ({ resolve }) => resolve(answer.value));
    else this.#settle(worker, ({ reject }) => reject(unpackError(answer.error)));
  }

  #settle(worker: Worker, settle: (assignment: Assignment) => void): void {
    const { assignment } = worker;
    if (assignment === undefined) return;
    worker.assignment = undefined;
    settle(assignment);
    this.#assign();
  }

  #died(worker: Worker, why: string): void {
    if (!this.#workers.delete(worker)) return;
    const { assignment } = worker;
    if (assignment === undefined) return;
    if (assignment.attempts < attemptsMax) this.#waiting.unshift(assignment);
    else assignment.reject(new StoreError('IO', `A task was given up: ${attemptsMax} processes died of it, the last by ${why}`));
    this.#assign();
  }
}

function closedError(): StoreError {
  return new StoreError('CLOSED', 'The work was ended before it was done');
}
