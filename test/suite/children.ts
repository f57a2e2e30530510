/** The parent's side of child processes that hold stores open. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Reply } from './store-child.ts';

const script = new URL('./store-child.js', import.meta.url);

/** What came back from a child as an error. */
export class ChildError extends Error {
  readonly code: unknown;

  constructor(error: NonNullable<Reply['error']>) {
    super(error.message);
    this.name = error.name;
    this.code = error.code;
  }
}

/** A child process with a store; every call waits for its answer and fails when the child dies first. */
export class StoreChild {
  readonly process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #calls = 0;
  /** Called for messages that answer nothing. */
  onMessage: ((message: unknown) => void) | undefined;

  constructor(options: { env?: NodeJS.ProcessEnv; silent?: boolean; execArgv?: string[]; uid?: number; gid?: number } = {}) {
    this.process = fork(script, [], {
      serialization: 'advanced',
      silent: options.silent ?? false,
      execArgv: options.execArgv ?? ['--enable-source-maps'],
      env: { ...process.env, ...options.env },
      ...(options.uid !== undefined && { uid: options.uid, gid: options.gid ?? options.uid }),
    });
    this.process.on('message', (message: Reply) => this.#answer(message));
    this.process.on('exit', (code, signal) => {
      const error = new Error(`the child has ended (${signal ?? code})`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  static async open(path: string, options: object = {}): Promise<StoreChild> {
    const child = new StoreChild();
    await child.call('open', path, options);
    return child;
  }

  /** Asks the child for a verb of store-verbs.ts. */
  call<T = unknown>(verb: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#calls;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.process.send({ id, verb, args }, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Ends the child at once and waits until it has. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = once(this.process, 'exit');
    this.process.kill(signal);
    await exit;
  }

  /** Closes the store and lets the child end. */
  async close(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    await this.call('close');
    const exit = once(this.process, 'exit');
    this.process.disconnect();
    await exit;
  }

  #answer(message: Reply): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) {
      this.onMessage?.(message);
      return;
    }
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting.resolve(message.value);
    else waiting.reject(new ChildError(message.error));
  }
}
