/** The parent's side of cache-child.ts. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly code: unknown; readonly message: string };
}

export class CacheChild {
  readonly process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #calls = 0;

  constructor() {
    this.process = fork(new URL('./cache-child.js', import.meta.url), { serialization: 'advanced', execArgv: ['--enable-source-maps'] });
    this.process.on('message', ({ id, value, error }: Reply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(Object.assign(new Error(error.message), error));
    });
    this.process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the child has ended (${signal ?? code})`));
      this.#waiting.clear();
    });
  }

  /** Starts a child that has the cache open, and ends it with the test. */
  static async open(t: TestContext, path: string, options: object = {}): Promise<CacheChild> {
    const child = new CacheChild();
    t.after(() => child.process.kill('SIGKILL'));
    await child.call('open', path, options);
    return child;
  }

  call<T = unknown>(verb: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#calls;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.process.send({ id, verb, args }, (error) => error !== null && reject(error));
    });
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const exit = once(this.process, 'exit');
    this.process.kill(signal);
    await exit;
  }
}
