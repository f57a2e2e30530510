import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Verdict } from './read-store.ts';

const attemptMs = 20_000;

/** A child that opens one store after the other; a new one takes over when it has died. */
export class Opener<A extends object> {
  readonly #script: string;
  #child: ChildProcess | undefined;

  /** `script` lies beside this file, and answers each message with a verdict. */
  constructor(script: string) {
    this.#script = script;
  }

  async try(attempt: A): Promise<Verdict> {
    const child = (this.#child ??= fork(new URL(this.#script, import.meta.url), {
      serialization: 'advanced',
      execArgv: ['--enable-source-maps'],
    }));
    const verdict = await new Promise<Verdict>((resolve) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        done({ verdict: 'wrong', detail: `no answer within ${attemptMs} ms` });
      }, attemptMs);
      const died = (code: number | null, signal: string | null): void => {
        done({ verdict: 'wrong', detail: `the process died (${signal ?? code})` });
      };
      const done = (answer: Verdict): void => {
        clearTimeout(timer);
        child.off('message', done);
        child.off('exit', died);
        resolve(answer);
      };
      child.on('message', done);
      child.on('exit', died);
      child.send(attempt);
    });
    if (child.exitCode !== null || child.signalCode !== null) this.#child = undefined;
    return verdict;
  }

  end(): void {
    this.#child?.kill('SIGKILL');
  }
}
