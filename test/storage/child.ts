import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A child process that runs a module and speaks in lines. */
export interface Child {
  readonly process: ChildProcess;
  /** The next line the child prints; rejects when it ends without one. */
  line(): Promise<string>;
  /** Resolves to the exit code, or the name of the signal. */
  readonly ended: Promise<number | string>;
}

/** The compiled module `name` of src/storage, for an import in a child or a worker. */
export function moduleUrl(name: string): string {
  return new URL(`../../src/storage/${name}.js`, import.meta.url).href;
}

/**
 * Runs `code` as a module in a child. It finds `args` in `args`; the modules of src/storage through `load(name)`; and
 * `hold()` keeps it alive until it is killed.
 */
export function startChild(code: string, args: readonly string[] = [], nodeOptions: readonly string[] = []): Child {
  const prologue = `
    const args = ${JSON.stringify(args)};
    const load = (name) => import(${JSON.stringify(moduleUrl('NAME'))}.replace('NAME', name));
    const hold = () => setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, [...nodeOptions, '--input-type=module', '-e', prologue + code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'unknown'));
  });
  return {
    process: child,
    ended,
    async line() {
      const next = await lines.next();
      if (next.done === true) throw new Error(`The child ended (${await ended}) before it said anything`);
      return next.value;
    },
  };
}
